"""Package inserts: by section, line breaks kept, zips unpacked within limits."""

from __future__ import annotations

import io
import zipfile

import pytest
from extract_samples import make_zip

from corpus.extract import Extracted, extract, pmda_xml

URL = "https://www.info.pmda.go.jp/go/xml/999999_9999999F1020_1_02/"


def test_text(packins: bytes) -> None:
    """Sections with their titles, <?enter?> a line break, brand references filled in, rows as lines, codes left out."""
    done = extract(packins, url=URL)
    assert (done.outcome, done.title, done.lang) == ("ok", "ミホン錠５㎎", "ja")
    assert done.text.split("\n") == [
        "ミホン錠５㎎",
        "ミホンスタチン",
        "2.禁忌（次の患者には投与しないこと）",
        "本剤の成分に対し過敏症の既往歴のある患者",
        "重篤な肝障害のある患者",
        "肝硬変の患者",
        "6.用法及び用量",
        "成人",
        "〈ミホン錠５㎎〉通常、１日１回５㎎を経口投与する。",
        "10.相互作用",
        "甲薬 乙薬　作用が増強する。",
        "3.組成",
        "添加剤　乳糖水和物",
    ]


def test_sections(packins: bytes) -> None:
    """Kinds and paths tell titles, body and tables apart."""
    done = extract(packins, url=URL)
    found = [(s.kind, s.path, done.text[s.start : s.end]) for s in done.sections]
    assert ("body", "6.用法及び用量 > 成人", "〈ミホン錠５㎎〉通常、１日１回５㎎を経口投与する。") in found
    assert ("table", "10.相互作用", "甲薬 乙薬　作用が増強する。") in found
    assert ("title", "", "2.禁忌（次の患者には投与しないこと）") in found
    assert ("body", "一般的名称", "ミホンスタチン") in found


def test_zip_is_the_same(packins: bytes) -> None:
    """The zip gives what the XML gives, whatever else lies in it."""
    data = make_zip({"a/readme.xml": b"<x/>", "a/image.jpg": b"\xff\xd8", "a/b.xml": packins})
    assert extract(data, url=URL, content_type="application/zip") == extract(packins, url=URL)


def test_zip_without_insert(packins: bytes) -> None:
    """A zip without an insert is told; a cut one is truncated."""
    assert extract(make_zip({"a.txt": b"x"}), url=URL).outcome == "unsupported"
    assert extract(make_zip({"a.xml": packins})[:300], url=URL).outcome == "truncated"


def test_zip_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member is not unpacked beyond the limit, whatever its header says."""
    monkeypatch.setattr(pmda_xml, "MAX_BYTES", 100_000)
    done = extract(make_zip({"a.xml": b" " * 50_000_000}), url=URL)
    assert done.outcome == "unsupported"
    assert "100000" in done.reason


def test_locked_zip(packins: bytes) -> None:
    """A zip with a password is encrypted."""
    data = bytearray(make_zip({"a.xml": packins}))
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    assert zipfile.is_zipfile(io.BytesIO(bytes(data)))
    assert extract(bytes(data), url=URL).outcome == "encrypted"


HEAD = (
    "<ApprovalEtc><DetailBrandName id='B1'><ApprovalBrandName><Lang>ミホン錠５㎎</Lang></ApprovalBrandName>{}"
    "</DetailBrandName>{}</ApprovalEtc>"
)
SECOND = "<DetailBrandName id='B2'><ApprovalBrandName><Lang>ミホン散１％</Lang></ApprovalBrandName></DetailBrandName>"


def insert(sections: str, *, facts: str = "", second: str = SECOND, attributes: str = "") -> Extracted:
    """An insert of two brands with these sections."""
    head = HEAD.format(facts, second)
    return pmda_xml.extract_xml(f"<PackIns {attributes}>{head}{sections}</PackIns>".encode())


def found(done: Extracted) -> list[tuple[str, str, str]]:
    """Kind, path and text of the sections below the names of the brands."""
    parts = [(s.kind, s.path, done.text[s.start : s.end]) for s in done.sections]
    return [part for part in parts if part[2] not in ("ミホン錠５㎎", "ミホン散１％") or part[1]]


def words(text: str) -> str:
    """A Lang element in a Detail."""
    return f"<Detail><Lang xml:lang='ja'>{text}</Lang></Detail>"


def test_titles_of_parts_in_comments() -> None:
    """A numbered comment before a part is its title, whatever its level and width; any other comment is none."""
    done = insert(
        f"<!--３．組成・性状--><P><!-- 3.1 組成 --><Composition>{words('甲')}</Composition>"
        f"<!--３.２ 製剤の性状--><Property>{words('乙')}</Property><!-- 2024.4 改訂 --><Note>{words('丙')}</Note>"
        f"<!-- 3.3 空 --><Empty/></P><!-- 8.重要 --><Q>{words('丁<!-- 8.1 文中 -->戊')}</Q>"
    )
    assert found(done) == [
        ("title", "", "３．組成・性状"),
        ("title", "３．組成・性状", "3.1 組成"),
        ("body", "３．組成・性状 > 3.1 組成", "甲"),
        ("title", "３．組成・性状", "３.２ 製剤の性状"),
        ("body", "３．組成・性状 > ３.２ 製剤の性状", "乙"),
        ("body", "３．組成・性状", "丙"),
        ("title", "", "8.重要"),
        ("body", "8.重要", "丁戊"),
    ]


SECTIONS = (
    "<ImportantPrecautions id='H8'><OrderedList><Item id='I81'>{0}</Item><Item id='I82'>{0}"
    "<SimpleList><Item><OrderedList><Item id='I821'>{0}<OrderedList><Item id='deep'>{0}</Item></OrderedList></Item>"
    "</OrderedList></Item></SimpleList></Item></OrderedList>"
    "<OrderedList numberContinued='true'><Item id='I83'>{0}</Item></OrderedList></ImportantPrecautions>"
    "<UseInSpecificPopulations><UseInPregnant id='H95'>{0}</UseInPregnant></UseInSpecificPopulations>"
    "<OtherPrecautions><OtherInformation/><OtherInformation id='H154'>{0}</OtherInformation></OtherPrecautions>"
    "<!-- 17．２ 調査 --><New id='H172'>{0}</New>"
    "<CompositionAndProperty><Composition id='C'>{0}</Composition></CompositionAndProperty>"
).format(words("節"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("患者［<HeaderRef ref='I81'/>参照］", "患者［8.1参照］"),
        ("患者［<HeaderRef ref='H8'/>、<HeaderRef ref='I821'/> 参照］", "患者［8.、8.2.1 参照］"),
        (
            "患者<HeaderRef ref='I83'/>,<HeaderRef ref='H95' remarks='x'/>\n, <HeaderRef ref='H154'/>",
            "患者［8.3、9.5、15.4参照］",
        ),
        ("<HeaderRef ref='H172'/><HeaderRef ref='deep'/>", "［17.2、8.2.1参照］"),
        ("詳細は<HeaderRef ref='H95'/>を参照すること。", "詳細は9.5を参照すること。"),
        ("「<HeaderRef ref='H95'/>」の項", "「9.5」の項"),
        ("<HeaderRef ref='C'/>", "［3.1参照］"),
        ("患者［<HeaderRef ref='gone'/>参照］。", "患者。"),
        ("患者（<HeaderRef ref='gone'/>、<HeaderRef ref='I81'/>を参照）", "患者（8.1参照）"),
        ("患者［重度<HeaderRef ref='gone'/>の者］", "患者［重度の者］"),
        ("患者<HeaderRef ref='gone'/>。", "患者。"),
        ("<HeaderRef ref='H95'>本文参照</HeaderRef>", "本文参照"),
    ],
)
def test_references_are_numbers(text: str, shown: str) -> None:
    """HeaderRef is the number that the PMDA's page counts; one that points nowhere leaves nothing that hangs."""
    assert insert(f"{SECTIONS}<Last>{words(text)}</Last>").text.rpartition("\n")[2] == shown


def test_a_list_that_goes_on_from_nothing() -> None:
    """It begins with 1."""
    items = f"<OrderedList numberContinued='true'><Item id='I'>{words('項')}</Item></OrderedList>"
    last = words("<HeaderRef ref='I'/>")
    assert insert(f"<Warnings>{items}{last}</Warnings>").text.endswith("項\n［1.1参照］")


def test_what_the_composition_says_is_repeated() -> None:
    """EmbeddingText is the words of the part of the composition that it names."""
    composition = (
        "<CompositionAndProperty><ContainedAmount><ActiveIngredientName id='N'><Lang>ミホン<Sup>2</Sup></Lang>"
        "</ActiveIngredientName><ValueAndUnit><Lang>５㎎</Lang></ValueAndUnit></ContainedAmount></CompositionAndProperty>"
    )
    dose = words("<EmbeddingText ref='N'/>として<EmbeddingText ref='gone'/>１日５㎎")
    done = insert(f"{composition}<Q>{dose}</Q>")
    assert found(done)[-1][2] == "ミホン2として１日５㎎"
    assert done.kept_share == 1.0
    many = "<EmbeddingText ref='N'/>" * 3000
    long = composition.replace("ミホン", "薬" * 180)
    assert insert(f"{long}<Q>{words(many)}</Q>").outcome == "unsupported"


def test_composition_of_a_vaccine() -> None:
    """Its section 3 begins with how it is made."""
    last = words("<HeaderRef ref='C'/>")
    assert insert(f"{SECTIONS}<Last>{last}</Last>", attributes="drugType='Vaccine'").text.endswith("［3.2参照］")


def test_parts_of_brands_are_named() -> None:
    """Where there is more than one brand, a part for one is headed by its name: by its reference, or by that in it."""
    parts = (
        "<!--3.1 組成--><C><CompositionForBrand ref='B2'><Row><c><Lang>乳糖</Lang></c></Row></CompositionForBrand></C>"
        f"<EfficacyForBrand><ApprovalBrandNameRef ref='B1'/><ApprovalBrandNameRef ref='B2'/>{words('不眠')}"
        "</EfficacyForBrand>"
    )
    assert found(insert(parts)) == [
        ("title", "", "3.1 組成"),
        ("title", "3.1 組成", "ミホン散１％"),
        ("table", "3.1 組成 > ミホン散１％", "乳糖"),
        ("title", "", "ミホン錠５㎎、ミホン散１％"),
        ("body", "ミホン錠５㎎、ミホン散１％", "不眠"),
    ]
    assert insert(parts, second="").text.split("\n")[1:] == ["3.1 組成", "乳糖", "不眠"]


def test_facts_of_the_head() -> None:
    """What the head says of a brand in words is a row under its name; numbers and codes are left out."""
    facts = (
        "<TrademarkInEnglish><TrademarkName><Lang>MIHON</Lang></TrademarkName></TrademarkInEnglish><YJCode>9</YJCode>"
        "<Storage><StorageMethod><Lang>室温</Lang></StorageMethod><ShelfLife><Lang>３年</Lang></ShelfLife></Storage>"
        "<RegulatoryClassification><C>2</C><Lang>劇薬</Lang></RegulatoryClassification>"
    )
    done = insert("", facts=facts)
    rows = "MIHON\n貯法　室温\n有効期間　３年\n規制区分　劇薬"
    assert found(done) == [("table", "ミホン錠５㎎", rows)]
    assert done.kept_share == 1.0


def test_kept_share_notices_what_is_lost() -> None:
    """Words of a section outside Lang are not read; titles from comments do not make up for them."""
    done = insert(f"<!-- 8.重要な基本的注意の題 --><Q>{words('読む文字')}<Detail>読まない文字</Detail></Q>")
    assert "読まない" not in done.text
    assert done.kept_share < 0.85
    assert insert(f"<!-- 8.題 --><Q>{words('読む文字')}</Q>").kept_share == 1.0


def test_lang_inside_lang_is_read_once() -> None:
    """A note inside a sentence is a line of its own, once; so it is in the share kept."""
    done = insert(f"<Q>{words('本文<Comment><Lang>注の文</Lang></Comment>の続き')}</Q>")
    assert found(done)[-1][2] == "本文\n注の文\nの続き"
    assert done.kept_share == 1.0


def test_sibling_headers_do_not_pile_up() -> None:
    """The next one takes the place of the one before."""
    done = insert("<Q>" + "".join(f"<Header><Lang>題{n}</Lang></Header>{words(f'文{n}')}" for n in range(3)) + "</Q>")
    assert [part[1] for part in found(done)] == ["", "題0", "", "題1", "", "題2"]


@pytest.mark.parametrize(
    "sections",
    [
        "<Q><Lang>" + "<ApprovalBrandNameRef ref='LONG'/>" * 3000 + "</Lang></Q>",
        "<QForBrand ref='LONG'><Lang>文</Lang></QForBrand>" * 3000,
        "<Q><Header><Lang>"
        + "題" * 5000
        + "</Lang></Header>"
        + "<R><Row><c><Lang>行</Lang></c></Row><Lang>文</Lang></R>" * 3000
        + "</Q>",
        "<Q><Header><Lang>"
        + "題" * 190
        + "</Lang></Header>"
        + "<R><Header><Lang>題</Lang></Header></R>" * 9000
        + "</Q>",
    ],
)
def test_references_and_headings_multiply_nothing(sections: str) -> None:
    """What would come out far larger than the file is an outcome, and soon."""
    long = SECOND.replace("B2", "LONG").replace("ミホン散１％", "錠" * 3000)
    done = insert(sections, second=SECOND + long)
    assert (done.outcome, done.text) == ("unsupported", "")
    assert "far more" in done.reason
