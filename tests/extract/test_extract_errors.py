"""Error, maintenance, login and block pages served as documents, and documents that speak of such things."""

from __future__ import annotations

import pytest

from corpus.extract import Extracted, extract

URL = "https://www.example.go.jp/a.html"
MENU = "".join(f'<li><a href="/{n}">政策分野別の案内{n}</a></li>' for n in range(60))


def read(title: str, body: str) -> Extracted:
    """What comes out of a page with this title and body."""
    page = f'<!DOCTYPE html><html lang="ja"><head><title>{title}</title></head><body>{body}</body></html>'
    return extract(page.encode(), url=URL, content_type="text/html; charset=utf-8")


MESSAGES = [
    "ご指定のページは存在しません。",
    "お探しのページが見つかりませんでした。",
    "申し訳ありませんが、お探しのページは移動または削除されました。",
    "ファイルが見つかりません。",
    "このページの公開は終了しました。",
    "この記事の掲載期間が終了しました。",
    "セッションの有効期限が切れました。もう一度ログインしてください。",
    "セッションがタイムアウトしました。",
    "大変申し訳ございません。現在アクセスが集中しております。",
    "現在、システムメンテナンスを実施しています。",
    "システムメンテナンス中のためご利用いただけません。",
    "ただいま保守作業中です。",
    "サービスを一時停止しております。",
    "このページを閲覧する権限がありません。",
    "続きを読むにはログインが必要です。",
    "アクセスが拒否されました。",
    "不正なリクエストです。",
    "システムエラーが発生しました。",
    "Sorry, the page you requested was not found.",
    "The requested URL was not found on this server.",
    "We can't find the page you're looking for.",
    "Oops! That page can’t be found.",
    "The system is down for maintenance. Please try again later.",
    "You have been blocked.",
    "Request blocked. Your request was blocked by our security policy.",
    "Too many requests. Please slow down.",
    "429 Too Many Requests",
    "403 Forbidden",
    "Please log in to continue.",
    "The requested URL was rejected. Please consult with your administrator. Your support ID is: 123",
]
ASIDES = [
    "JavaScriptを有効にしてください。",
    "Cookieを有効にしてください。",
    "お使いのブラウザはサポートされていません。",
    "該当する法令はありません。",
    "検索結果は0件です。",
    "You need to enable JavaScript to run this app.",
    "Please enable cookies.",
]


@pytest.mark.parametrize("message", [*MESSAGES, *ASIDES])
def test_messages(message: str) -> None:
    """A page that says nothing else is none, under any title."""
    assert read("見本省", f"<h1>{message}</h1><p>{message}</p>").outcome == "error_page"
    assert read("見本省", f"<div>{message}<br>見本省 広報室</div>").outcome == "error_page"


@pytest.mark.parametrize("message", MESSAGES)
def test_messages_beside_a_menu(message: str) -> None:
    """The labels of the menu are no document, whether or not its markup says that it is one."""
    for menu in (f"<ul>{MENU}</ul>", f"<div class='nav'><ul>{MENU}</ul></div>"):
        done = read("見本省", f"{menu}<div id='main'><h1>お知らせ</h1><p>{message}</p></div>")
        assert (done.outcome, done.text) == ("error_page", "")


def test_titles() -> None:
    """A word in the title needs a sentence, an apology or next to nothing below it; a title may be the message."""
    assert read("エラー", "<p>ご迷惑をおかけします。</p>").outcome == "error_page"
    assert read("503", "<p>nginx</p>").outcome == "error_page"
    text = "担当課までご連絡いただき、次の番号をお伝えください。" * 5
    assert read("404 Not Found - 見本省", f"<p>{text}</p>").outcome == "error_page"
    assert read("ページが見つかりません｜見本省", f"<p>{text}</p>").outcome == "error_page"
    assert read("エラー", f"<p>{text}</p>").outcome == "ok"


DOCUMENTS = [
    [
        "艦船の保守作業に関する通達",
        "<p>艦船の保守作業は、造修補給所長が計画し、艦長がこれを実施するものとする。</p>",
        "<p>保守作業を実施している間は、火気を用いてはならない。</p>",
    ],
    [
        "エラーメッセージの読み方",
        "<dl><dt>404 Not Found</dt><dd>ページが見つかりません。</dd>",
        "<dt>403 Forbidden</dt><dd>アクセスが拒否されました。</dd></dl><p>番号の上一桁が種別を表す。</p>",
    ],
    [
        "画面に出る文",
        "<p>「アクセスが拒否されました」と表示されるときは、管理者に連絡してください。</p>",
        "<p>「お探しのページがどこにもない」という問い合わせも多い。</p>",
        "<p>ファイルが見つかりませんと出る場合は、名前を確かめてください。担当は情報通信課です。</p>",
    ],
    [
        "見本管理令",
        "<p>第三条　管理者は、アクセスが拒否された者に対し、その理由を書面で示さなければならない。</p>",
        "<p>第四条　不正なアクセスが行われた場合には、直ちに届け出なければならない。</p>",
    ],
    [
        "UN Security Council Resolution 404",
        "<p>The resolution was adopted in 1977. It asks for a mission of inquiry to be sent to the country.</p>",
    ],
    [
        "Ship maintenance",
        "<p>The vessel was under maintenance for two years. Access was denied to visitors.</p>",
        "<p>The cause of the measurement error could not be explained by the crew.</p>",
    ],
    [
        "資料の公表",
        "<p>見本委員会の第三回会合の資料を公表します。添付ファイルはありません。</p>",
        "<p>閲覧には、JavaScriptを有効にしてください。</p><p>会合は来月にも開かれ、結果は追って公表されます。</p>",
    ],
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_about_errors(document: list[str]) -> None:
    """Circulars about maintenance, manuals of messages, laws about refused access are documents, however short."""
    title, *paragraphs = document
    done = read(title, f"<h1>{title}</h1>{''.join(paragraphs)}")
    assert (done.outcome, done.reason) == ("ok", "")


def test_a_long_page_that_says_so() -> None:
    """A message at the head of a page that goes on is part of it; nor is a list of links one for a remark."""
    said = "".join(f"<p>見本市は、第{n}回の説明会を市民会館で開き、その内容を広報に載せました。</p>" for n in range(30))
    assert read("見本市", f"<h1>お知らせ</h1><p>現在、システムメンテナンスを実施しています。</p>{said}").outcome == "ok"
    assert read("エラー", f"<h1>404 Not Found</h1>{said}").outcome == "ok"
    assert read("見本市", f"<h1>緊急情報</h1><p>該当する情報はありません。</p><ul>{MENU}</ul>").outcome == "ok"
