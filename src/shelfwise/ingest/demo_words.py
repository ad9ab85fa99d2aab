"""What the demo shop sells, in words: its shelves, brands, and how reviewers speak of parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Shelf:
    """One leaf category."""

    path: str
    noun: str
    price: float
    """Of a middling product."""
    aspects: tuple[str, ...]
    """Parts and properties that reviews speak of."""
    kinds: tuple[str, ...]
    """Words for variants, in titles and attributes."""
    repurchase_days: int = 0
    """Usual days until it is used up; 0: bought once."""
    peak_day: int = 0
    """Day of the year on which it sells best; 0: all year alike."""
    goes_with: tuple[str, ...] = ()
    """Nouns of shelves that are bought after it."""


def _shelf(about: str, words: str) -> Shelf:
    """The shelf told by two lines of `_SHELVES`."""
    path, noun, price, days, peak, goes_with = (part.strip() for part in about.split("|"))
    aspects, kinds = (tuple(part.strip().split(", ")) for part in words.split("|"))
    return Shelf(
        path=path,
        noun=noun,
        price=float(price),
        aspects=aspects,
        kinds=kinds,
        repurchase_days=int(days),
        peak_day=int(peak),
        goes_with=tuple(goes_with.split(", ")) if goes_with else (),
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# path | noun | price | days until used up | day of the year it peaks | nouns bought after it
#     aspects | kinds
_SHELVES: Final = """
    Home > Kitchen > Kettles | Kettle | 45 | 0 | 0 | Tea, Mug
        handle, lid, spout, base | Steel, Glass, Copper, Retro
    Home > Kitchen > Coffee Makers | Coffee Maker | 90 | 0 | 0 | Coffee Beans, Mug
        filter, pump, tank, nozzle | Espresso, Drip, Compact, Steel
    Home > Kitchen > Mugs | Mug | 12 | 0 | 0 |
        glaze, handle, rim | Stoneware, Glass, Enamel, Porcelain
    Home > Kitchen > Knives | Chef Knife | 40 | 0 | 0 | Cutting Board
        blade, grip, balance | Carbon, Damascus, Ceramic, Forged
    Home > Kitchen > Cutting Boards | Cutting Board | 25 | 0 | 0 |
        surface, edge, groove | Bamboo, Oak, Walnut, Maple
    Home > Bedroom > Duvets | Duvet | 70 | 0 | 350 | Pillow
        filling, cover, seam | Down, Wool, Cotton, Silk
    Home > Bedroom > Pillows | Pillow | 30 | 0 | 0 |
        filling, cover, zip | Memory, Feather, Latex, Cotton
    Home > Lighting > Table Lamps | Table Lamp | 50 | 0 | 310 | Light Bulbs
        shade, switch, base, cord | Brass, Ceramic, Rattan, Marble
    Home > Lighting > Light Bulbs | Light Bulbs | 8 | 110 | 0 |
        brightness, socket, glow | Warm, Daylight, Filament, Dimmable
    Food > Drinks > Tea | Tea | 7 | 30 | 0 |
        aroma, flavour, leaves | Green, Black, Jasmine, Oolong, Mint
    Food > Drinks > Coffee Beans | Coffee Beans | 14 | 24 | 0 |
        aroma, roast, crema | Dark, Arabica, Decaf, Single-Origin
    Food > Sweets > Chocolate | Chocolate | 6 | 22 | 355 |
        flavour, texture, wrapper | Dark, Milk, Hazelnut, Orange
    Food > Snacks > Nuts | Mixed Nuts | 9 | 28 | 0 |
        crunch, flavour, seasoning | Salted, Roasted, Smoked, Honey
    Garden > Tools > Spades | Garden Spade | 35 | 0 | 110 | Seeds, Garden Gloves
        handle, blade, shaft | Steel, Ash, Folding, Border
    Garden > Plants > Seeds | Seeds | 4 | 45 | 100 |
        germination, packet, yield | Tomato, Lavender, Basil, Sunflower
    Garden > Tools > Garden Gloves | Garden Gloves | 11 | 0 | 115 |
        palm, cuff, seam | Leather, Thorn-Proof, Cotton, Rubber
    Garden > Barbecue > Grills | Grill | 160 | 0 | 165 | Charcoal
        lid, grate, wheels, thermometer | Kettle, Gas, Portable, Ceramic
    Garden > Barbecue > Charcoal | Charcoal | 12 | 25 | 175 |
        heat, smoke, bag | Oak, Coconut, Briquette, Beech
    Sport > Running > Running Shoes | Running Shoes | 85 | 0 | 0 | Running Socks
        sole, laces, cushioning, heel | Trail, Road, Light, Cushioned
    Sport > Running > Running Socks | Running Socks | 10 | 0 | 0 |
        toe, cuff, fabric | Merino, Compression, Ankle, Cotton
    Sport > Yoga > Yoga Mats | Yoga Mat | 35 | 0 | 15 | Yoga Block
        grip, foam, surface | Cork, Rubber, Thick, Travel
    Sport > Yoga > Yoga Blocks | Yoga Block | 15 | 0 | 20 |
        edge, foam, weight | Cork, Foam, Bamboo, Soft
    Sport > Outdoor > Water Bottles | Water Bottle | 18 | 0 | 180 |
        lid, seal, insulation | Steel, Glass, Insulated, Folding
    Fashion > Bags > Backpacks | Backpack | 60 | 0 | 240 | Water Bottle
        strap, zip, pocket, lining | Canvas, Leather, Roll-Top, Laptop
    Fashion > Winter > Scarves | Scarf | 22 | 0 | 345 | Winter Gloves
        fabric, fringe, dye | Wool, Cashmere, Knitted, Tartan
    Fashion > Winter > Gloves | Winter Gloves | 20 | 0 | 350 |
        lining, cuff, fingertip | Leather, Wool, Touch, Fleece
    Electronics > Audio > Headphones | Headphones | 80 | 0 | 340 | Phone Case
        cable, cushion, battery, microphone | Wireless, Studio, Folding, Noise-Cancelling
    Electronics > Phones > Cases | Phone Case | 15 | 0 | 0 |
        corner, button, print | Clear, Leather, Rugged, Slim
    Electronics > Phones > Chargers | Charger | 20 | 0 | 0 | Phone Case
        cable, plug, connector | Fast, Wireless, Travel, Double
    Toys > Games > Board Games | Board Game | 32 | 0 | 350 |
        rules, pieces, box | Strategy, Family, Card, Quiz
    Toys > Building > Building Sets | Building Set | 45 | 0 | 350 |
        pieces, instructions, stickers | Castle, Space, City, Train
    Beauty > Hair > Shampoo | Shampoo | 9 | 34 | 0 | Conditioner
        scent, bottle, lather | Argan, Repair, Mint, Gentle
    Beauty > Hair > Conditioner | Conditioner | 10 | 36 | 0 |
        scent, bottle, texture | Argan, Repair, Mint, Gentle
    Beauty > Skin > Face Cream | Face Cream | 24 | 45 | 0 |
        texture, scent, pump | Day, Night, Aloe, Rose
    Pets > Dogs > Dog Food | Dog Food | 28 | 20 | 0 | Dog Toy
        smell, kibble, bag | Chicken, Salmon, Lamb, Puppy
    Pets > Dogs > Dog Toys | Dog Toy | 9 | 0 | 0 |
        squeaker, rope, stitching | Rope, Rubber, Plush, Ball
"""
_LINES: Final = _SHELVES.strip().splitlines()

SHELVES: Final = tuple(
    _shelf(about, words) for about, words in zip(_LINES[::2], _LINES[1::2], strict=True)
)

BRANDS: Final = _words(
    """Alder Arvika Bellweather Birkdale Bramble Brightwell Calder Cobalt Corvane Dunmore
    Elmhurst Everline Fairlow Fenwick Fjordal Garrick Glenroy Harrow Hollin Ingleby Juniper
    Kestrel Kinlet Larkspur Linden Lumen Marlow Meridian Mossgrove Nordal Northby Oakley
    Ormond Pellam Pinecrest Quillon Ravensworth Redfern Rowan Sable Selkirk Solvane Stonebeck
    Tamsin Tarrow Thornbury Tidewell Ulverton Valemont Vesper Wexcombe Whitlow Wildmoor
    Winslow Wrenfield Yarrow Yewdale Zephyrine"""
)

ADJECTIVES: Final = _words(
    """Classic Modern Everyday Signature Heritage Compact Deluxe Simple Bold Gentle Royal Urban
    Nordic Coastal Alpine Prime Original Fine Grand Little"""
)

COUNTRIES: Final = ("GB", "DE", "FR", "NL", "US")
COLOURS: Final = ("black", "white", "green", "blue", "red", "grey", "yellow", "natural")

OPENINGS: Final = (
    "Bought it for my sister.",
    "Ordered on Monday, here on Thursday.",
    "My second one from this brand.",
    "It was on my list for a while.",
    "I use it most days.",
    "A birthday present for a neighbour.",
    "The colour is as in the picture.",
    "I compared a few of them before.",
    "We have had it for a month now.",
    "",
    "",
)
GOOD: Final = (
    "The {a} is excellent.",
    "I love the {a}.",
    "The {a} works perfectly.",
    "Really happy with the {a}.",
    "The {a} feels solid and well made.",
    "Very nice {a}, better than I hoped.",
    "The {a} is great, even after months.",
    "No trouble with the {a} at all.",
)
BAD: Final = (
    "The {a} broke after a week.",
    "The {a} is poor.",
    "Disappointed by the {a}.",
    "The {a} feels cheap and flimsy.",
    "The {a} was damaged on the first day.",
    "I had problems with the {a}.",
    "The {a} is not good at all.",
    "Sadly the {a} is useless.",
)
MIXED: Final = (
    "The {a} is great, but the {b} is poor.",
    "Good {a}, although the {b} could be better.",
)
FLAT: Final = ("The {a} is what you would expect.", "Nothing special about the {a}.")
HAPPY_TITLES: Final = ("Great", "Very happy", "Would buy again", "Lovely", "Five stars", "Perfect")
MIDDLING_TITLES: Final = ("It is okay", "Does the job", "As described", "So-so")
UNHAPPY_TITLES: Final = ("Disappointed", "Not again", "Broke quickly", "Poor", "Sent it back")
