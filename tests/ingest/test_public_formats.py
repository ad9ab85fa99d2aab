"""Ten lines of each public data set, and the tables they must give."""

from __future__ import annotations

from tests.ingest.conftest import Everything, Read, Write


def test_a_merchant_feed_is_read_as_it_is_sent_to_google(write: Write, read: Read) -> None:
    text = (
        "id\ttitle\tdescription\tlink\timage link\tavailability\tprice\tsale price\tbrand\t"
        "google product category\tproduct type\titem group id\tcolor\tgtin\n"
        "a1\tMug, 12 oz\tBig\thttp://s/a1\thttp://s/a1.jpg\tin stock\t12.99 USD\t9.99 USD\tAcme\t"
        "2169\tHome > Kitchen\tg1\tRed\t123\n"
        "a2\tCup\tSmall\thttp://s/a2\thttp://s/a2.jpg\tout of stock\t5,00 EUR\t\tAcme\t"
        "Home & Garden > Kitchen\t\tg1\tBlue\t124\n"
    )
    found = read(write("feed.tsv", text))
    assert found.format == "merchant"
    first, second = found.products
    assert (first["item_id"], first["title"], first["price"]) == ("a1", "Mug, 12 oz", 9.99)
    assert (first["currency"], first["category"]) == ("USD", "Home > Kitchen")
    assert (first["group_id"], first["attributes"]) == ("g1", ["color=Red"])
    assert (second["price"], second["currency"]) == (5.0, "EUR")
    assert (second["category"], second["availability"]) == (
        "Home & Garden > Kitchen",
        "out_of_stock",
    )


def test_retailrocket_events_are_read(write: Write, read: Read) -> None:
    text = (
        "timestamp,visitorid,event,itemid,transactionid\n"
        "1433221332117,257597,view,355908,\n"
        "1433222276276,599528,transaction,356475,4000\n"
        "1433222276277,599528,addtocart,356475,\n"
    )
    found = read(write("events.csv", text))
    assert found.format == "retailrocket"
    assert found.column("event_type") == ["view", "purchase", "add_to_cart"]
    assert found.column("session_id") == [None, "4000", None]


def test_retailrocket_properties_are_products(write: Write, read: Read) -> None:
    text = (
        "timestamp,itemid,property,value\n"
        "1435460400000,460429,categoryid,1338\n"
        "1435460400001,460429,available,0\n"
        "1435460400002,460429,888,1116713 n24.000\n"
    )
    found = read(write("item_properties.csv", text))
    assert [(p["category"], p["availability"], p["attributes"]) for p in found.products] == [
        ("1338", None, None),
        (None, "out_of_stock", None),
        (None, None, ["888=1116713 n24.000"]),
    ]


def test_taobao_behaviour_is_read_without_a_header(write: Write, read: Read) -> None:
    text = (
        "1,2268318,2520377,pv,1511544070\n1,2333346,2520771,fav,1511561733\n"
        "1,2576651,149192,cart,1511572885\n1,2268318,2520377,buy,1511593493\n"
        "2,1,1,pv,0\n100370,1968385,1875258,pv"
    )
    found = read(write("UserBehavior.csv", text))
    assert found.format == "taobao"
    assert found.column("event_type") == ["view", "wishlist", "add_to_cart", "purchase"]
    assert [(p["item_id"], p["category"]) for p in found.products][-1] == ("2576651", "149192")
    assert {row["line"]: row["reason"] for row in found.quarantine} == {
        5: "time_before_1995",
        6: "wrong_number_of_fields",
    }


def test_movielens_ratings_are_read_in_all_three_shapes(write: Write, read: Read) -> None:
    shapes = {
        "ratings.csv": "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n",
        "ratings.dat": "1::31::2.5::1260759144\n",
        "u.data": "1\t31\t2.5\t1260759144\n",
    }
    for name, text in shapes.items():
        found = read(write(name, text))
        (row,) = found.events
        assert found.format == "movielens"
        assert (row["user_id"], row["item_id"], row["event_type"]) == ("1", "31", "rate")
        assert (row["rating"], row["time_ms"]) == (2.5, 1_260_759_144_000)


def test_movielens_movies_are_read_in_both_shapes(write: Write, read: Read) -> None:
    shapes = {
        "movies.csv": (
            'movieId,title,genres\n1,"Léon, The (1994)",Action|Crime\n2,X,(no genres listed)\n'
        ),
        "movies.dat": "1::Léon, The (1994)::Action|Crime\n2::X::(no genres listed)\n",
    }
    for name, text in shapes.items():
        first, second = read(write(name, text.encode("latin-1"))).products
        assert (first["title"], first["category"]) == ("Léon, The (1994)", "Action")
        assert first["attributes"] == ["genre=Action", "genre=Crime"]
        assert (second["category"], second["attributes"]) == (None, None)


def test_recbole_events_and_items_are_read(write: Write, read: Read) -> None:
    text = "user_id:token\titem_id:token\trating:float\ttimestamp:float\nu1\ti1\t4\t1700000000.5\n"
    (row,) = read(write("x.inter", text)).events
    assert (row["user_id"], row["rating"], row["time_ms"]) == ("u1", 4.0, 1_700_000_000_500)
    items = "item_id:token\ttitle:token_seq\tprice:float\ni1\tFire Emblem: Stones\t9.5\n"
    (product,) = read(write("x.item", items)).products
    assert (product["title"], product["price"]) == ("Fire Emblem: Stones", 9.5)


def _places(found: Everything) -> list[tuple[object, object, object]]:
    return [(row["user_id"], row["item_id"], row["time_ms"]) for row in found.events]


def test_recbole_histories_are_unfolded(write: Write, read: Read) -> None:
    text = "user_id:token\titem_id_list:token_seq\titem_id:token\n0\ta b c\td\n1\tx\ty\n"
    found = read(write("x.inter", text))
    assert _places(found) == [
        ("0", "a", 0), ("0", "b", 1000), ("0", "c", 2000), ("0", "d", 3000),
        ("1", "x", 0), ("1", "y", 1000),
    ]  # fmt: skip
    assert not any(found.column("timed"))


def test_recbole_events_without_times_keep_their_order(write: Write, read: Read) -> None:
    text = "user_id:token\titem_id:token\nu1\ta\nu2\tb\nu1\tc\n"
    found = read(write("x.inter", text))
    assert found.column("time_ms") == [0, 0, 1000]
    assert found.column("timed") == [False] * 3


def test_sequences_are_one_shopper_a_line(write: Write, read: Read) -> None:
    found = read(write("s.txt", "1 11 12 11\n2 13\n\n3\n1 14\n"))
    assert found.format == "sequences"
    assert _places(found) == [
        ("1", "11", 0), ("1", "12", 1000), ("1", "11", 2000), ("2", "13", 0), ("1", "14", 3000),
    ]  # fmt: skip
    assert [(row["line"], row["reason"]) for row in found.quarantine] == [(4, "no_items")]
    assert found.column("event_type") == ["purchase"] * 5
    assert not any(found.column("timed"))
