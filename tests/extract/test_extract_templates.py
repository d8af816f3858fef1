"""Templates of wikitext and the words they stand for: days, places, measures, lists, marks."""

from __future__ import annotations

import pytest

from corpus.extract.wikitext import extract_wikitext

JA = "この施設は丘の上に建てられ、長いあいだ地域の人々に親しまれてきた。周囲には水路が引かれ、季節ごとに市が立つ。" * 4
EN = "The mill stands on a hill above the town and was used by farmers for a long time. " * 4


def words(wikitext: str, lang: str) -> str:
    """What stands between two paragraphs in place of the wikitext."""
    around = JA if lang == "ja" else EN.strip()
    done = extract_wikitext(f"{around}\n\n{wikitext}\n\n{around}", title="Sample", lang=lang)
    return done.text.split(around)[1].strip("\n")


@pytest.mark.parametrize(
    ("wikitext", "said"),
    [
        ("Born {{birth date and age|1970|1|5}} here.", "Born January 5, 1970 here."),
        ("Born {{Birth date|1970|01|05|df=yes}} here.", "Born 5 January 1970 here."),
        ("Begun {{start date|2001|2}}, {{dts|2001|Feb|3}}.", "Begun February 2001, February 3, 2001."),
        ("Died {{death-date|5 May 1900}} or {{death date|1900}}.", "Died 5 May 1900 or 1900."),
        ("It was {{as of|2014|5|4|lc=y}}; {{As of|2013|June}}.", "It was as of 4 May 2014; As of June 2013."),
        ("{{OldStyleDate|5 May|1700|24 April}} it was.", "5 May [O.S. 24 April] 1700 it was."),
        ("It fell at {{coord|13|19|30|N|169|9|W|type:event}}.", "It fell at 13°19′30″N 169°9′W."),
        ("It fell at {{coord|13.5|-169.25}}.", "It fell at 13.5; -169.25."),
        ("{{coord|13|19|N|169|9|W|display=title}}It fell.", "It fell."),
        ("The {{ordinal|3}}, {{ordinal|11}} and {{ordinal|22}}.", "The 3rd, 11th and 22nd."),
        ("Of {{solar mass|5}}, {{height|ft=6|in=2}} high.", "Of 5 M☉, 6 ft 2 in high."),
        ("In B{{music|flat}}, {{music|time|3|4}} time.", "In B♭, 3/4 time."),
        ("'''Tower''' ({{zh|s=塔|p=tǎ|labels=no}}) is.", "Tower (simplified Chinese: 塔; pinyin: tǎ) is."),
        ("As {{bibleref|Mark|3:25|9}} has it, {{radic|2}}.", "As Mark 3:25 has it, √2."),
        ("In {{nfly|2000}} it was {{script|Hebr|שלום}}.", "In 2000 it was שלום."),
        ("'''Tower''' ({{IPAc-en|t|aʊ|ər}}) is.", "Tower is."),
        ("Ruled 1900{{snds}}1910, {{\"'}}so{{'\"}}.", "Ruled 1900 – 1910, \"'so'\"."),
        ("{{columns-list|2|\n* First\n* Second\n}}", "First\nSecond"),
        ("{{unordered list|First|Second}}", "First\nSecond"),
        ("{{math|''x'' {{=}} 2}} and {{nowrap|a {{!}} b}}.", "x = 2 and a | b."),
        ("{{hlist|one|two}} {{allcaps|abc}} {{subsup|x|1|2}}", "one · two abc x12"),
    ],
)
def test_english(wikitext: str, said: str) -> None:
    """What is printed of their own arguments; ages and conversions are not computed."""
    assert words(wikitext, "en") == said


@pytest.mark.parametrize(
    ("wikitext", "said"),
    [
        ("{{読み仮名|塔|とう|{{lang-en-short|Tower}}}}である。", "塔（とう、Tower）である。"),
        ("{{生年月日と年齢|1970|01|5}}生まれ。", "1970年1月5日生まれ。"),
        ("{{死亡年月日と没年齢|1900|1|1|1980|2|3}}没。", "1980年2月3日没。"),
        ("{{傍点|強い}}と{{圏点|文章=大きい}}。", "強いと大きい。"),
        ("{{by|1999年}}に{{IAST|ātman}}。", "1999年にātman。"),
    ],
)
def test_japanese(wikitext: str, said: str) -> None:
    """The same in Japanese."""
    assert words(wikitext, "ja") == said


def test_bars_of_tables() -> None:
    """{{!}} separates cells where a template makes a table's row, and no arguments."""
    table = '{{{!}} class="wikitable"\n{{!}}-\n{{!}} 年 {{!}}{{!}} 数\n{{!}}}'
    assert words(table.replace("{{{!}}", "{|").replace("{{!}}}", "|}"), "ja") == "年　数"
