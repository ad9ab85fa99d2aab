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


def _shelf(line: str) -> Shelf:
    path, noun, price, aspects, kinds, days, peak, goes_with = (
        part.strip() for part in line.split("|")
    )
    return Shelf(
        path=path,
        noun=noun,
        price=float(price),
        aspects=tuple(aspects.split(", ")),
        kinds=tuple(kinds.split(", ")),
        repurchase_days=int(days),
        peak_day=int(peak),
        goes_with=tuple(goes_with.split(", ")) if goes_with else (),
    )


SHELVES: Final = tuple(
    _shelf(line)
    for line in """
    Home > Kitchen > Kettles | Kettle | 45 | handle, lid, spout, base | Steel, Glass, Copper, Retro | 0 | 0 | Tea, Mug
    Home > Kitchen > Coffee Makers | Coffee Maker | 90 | filter, pump, tank, nozzle | Espresso, Drip, Compact, Steel | 0 | 0 | Coffee Beans, Mug
    Home > Kitchen > Mugs | Mug | 12 | glaze, handle, rim | Stoneware, Glass, Enamel, Porcelain | 0 | 0 |
    Home > Kitchen > Knives | Chef Knife | 40 | blade, grip, balance | Carbon, Damascus, Ceramic, Forged | 0 | 0 | Cutting Board
    Home > Kitchen > Cutting Boards | Cutting Board | 25 | surface, edge, groove | Bamboo, Oak, Walnut, Maple | 0 | 0 |
    Home > Bedroom > Duvets | Duvet | 70 | filling, cover, seam | Down, Wool, Cotton, Silk | 0 | 350 | Pillow
    Home > Bedroom > Pillows | Pillow | 30 | filling, cover, zip | Memory, Feather, Latex, Cotton | 0 | 0 |
    Home > Lighting > Table Lamps | Table Lamp | 50 | shade, switch, base, cord | Brass, Ceramic, Rattan, Marble | 0 | 310 | Light Bulbs
    Home > Lighting > Light Bulbs | Light Bulbs | 8 | brightness, socket, glow | Warm, Daylight, Filament, Dimmable | 110 | 0 |
    Food > Drinks > Tea | Tea | 7 | aroma, flavour, leaves | Green, Black, Jasmine, Oolong, Mint | 30 | 0 |
    Food > Drinks > Coffee Beans | Coffee Beans | 14 | aroma, roast, crema | Dark, Arabica, Decaf, Single-Origin | 24 | 0 |
    Food > Sweets > Chocolate | Chocolate | 6 | flavour, texture, wrapper | Dark, Milk, Hazelnut, Orange | 22 | 355 |
    Food > Snacks > Nuts | Mixed Nuts | 9 | crunch, flavour, seasoning | Salted, Roasted, Smoked, Honey | 28 | 0 |
    Garden > Tools > Spades | Garden Spade | 35 | handle, blade, shaft | Steel, Ash, Folding, Border | 0 | 110 | Seeds, Garden Gloves
    Garden > Plants > Seeds | Seeds | 4 | germination, packet, yield | Tomato, Lavender, Basil, Sunflower | 45 | 100 |
    Garden > Tools > Garden Gloves | Garden Gloves | 11 | palm, cuff, seam | Leather, Thorn-Proof, Cotton, Rubber | 0 | 115 |
    Garden > Barbecue > Grills | Grill | 160 | lid, grate, wheels, thermometer | Kettle, Gas, Portable, Ceramic | 0 | 165 | Charcoal
    Garden > Barbecue > Charcoal | Charcoal | 12 | heat, smoke, bag | Oak, Coconut, Briquette, Beech | 25 | 175 |
    Sport > Running > Running Shoes | Running Shoes | 85 | sole, laces, cushioning, heel | Trail, Road, Light, Cushioned | 0 | 0 | Running Socks
    Sport > Running > Running Socks | Running Socks | 10 | toe, cuff, fabric | Merino, Compression, Ankle, Cotton | 0 | 0 |
    Sport > Yoga > Yoga Mats | Yoga Mat | 35 | grip, foam, surface | Cork, Rubber, Thick, Travel | 0 | 15 | Yoga Block
    Sport > Yoga > Yoga Blocks | Yoga Block | 15 | edge, foam, weight | Cork, Foam, Bamboo, Soft | 0 | 20 |
    Sport > Outdoor > Water Bottles | Water Bottle | 18 | lid, seal, insulation | Steel, Glass, Insulated, Folding | 0 | 180 |
    Fashion > Bags > Backpacks | Backpack | 60 | strap, zip, pocket, lining | Canvas, Leather, Roll-Top, Laptop | 0 | 240 | Water Bottle
    Fashion > Winter > Scarves | Scarf | 22 | fabric, fringe, dye | Wool, Cashmere, Knitted, Tartan | 0 | 345 | Winter Gloves
    Fashion > Winter > Gloves | Winter Gloves | 20 | lining, cuff, fingertip | Leather, Wool, Touch, Fleece | 0 | 350 |
    Electronics > Audio > Headphones | Headphones | 80 | cable, cushion, battery, microphone | Wireless, Studio, Folding, Noise-Cancelling | 0 | 340 | Phone Case
    Electronics > Phones > Cases | Phone Case | 15 | corner, button, print | Clear, Leather, Rugged, Slim | 0 | 0 |
    Electronics > Phones > Chargers | Charger | 20 | cable, plug, connector | Fast, Wireless, Travel, Double | 0 | 0 | Phone Case
    Toys > Games > Board Games | Board Game | 32 | rules, pieces, box | Strategy, Family, Card, Quiz | 0 | 350 |
    Toys > Building > Building Sets | Building Set | 45 | pieces, instructions, stickers | Castle, Space, City, Train | 0 | 350 |
    Beauty > Hair > Shampoo | Shampoo | 9 | scent, bottle, lather | Argan, Repair, Mint, Gentle | 34 | 0 | Conditioner
    Beauty > Hair > Conditioner | Conditioner | 10 | scent, bottle, texture | Argan, Repair, Mint, Gentle | 36 | 0 |
    Beauty > Skin > Face Cream | Face Cream | 24 | texture, scent, pump | Day, Night, Aloe, Rose | 45 | 0 |
    Pets > Dogs > Dog Food | Dog Food | 28 | smell, kibble, bag | Chicken, Salmon, Lamb, Puppy | 20 | 0 | Dog Toy
    Pets > Dogs > Dog Toys | Dog Toy | 9 | squeaker, rope, stitching | Rope, Rubber, Plush, Ball | 0 | 0 |
    """.strip().splitlines()
)

BRANDS: Final = tuple(
    """Alder Arvika Bellweather Birkdale Bramble Brightwell Calder Cobalt Corvane Dunmore Elmhurst
    Everline Fairlow Fenwick Fjordal Garrick Glenroy Harrow Hollin Ingleby Juniper Kestrel Kinlet
    Larkspur Linden Lumen Marlow Meridian Mossgrove Nordal Northby Oakley Ormond Pellam Pinecrest
    Quillon Ravensworth Redfern Rowan Sable Selkirk Solvane Stonebeck Tamsin Tarrow Thornbury
    Tidewell Ulverton Valemont Vesper Wexcombe Whitlow Wildmoor Winslow Wrenfield Yarrow
    Yewdale Zephyrine""".split()
)

ADJECTIVES: Final = tuple(
    """Classic Modern Everyday Signature Heritage Compact Deluxe Simple Bold Gentle Royal Urban
    Nordic Coastal Alpine Prime Original Fine Grand Little""".split()
)

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
