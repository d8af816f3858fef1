"""Old and variant forms of kanji, each with the form in common use: 國 and 国 are one word to a search for copies.

Three groups: the old forms (旧字体) of the characters of general use, as the appendix of 常用漢字表 (Cabinet notice
of 2010) shows them in brackets, with printing forms of the same kind; forms that names of persons and places use
(異体字: 髙, 﨑, 邉); and simplified printing forms (拡張新字体: 鴎, 蝋) with the form they stand for. Unicode's
compatibility ideographs (神 U+FA19, 福 U+FA1B) are NFKC's work. Several old characters may meet in one (辨, 瓣, 辯
in 弁): this is for comparison only, never for text that is shown or stored.
"""

from __future__ import annotations

from typing import Final

__all__ = ["VARIANTS"]

_OLD: Final = """
亞亜 惡悪 壓圧 圍囲 醫医 爲為 壹壱 隱隠 榮栄 營営 衞衛 驛駅 圓円 鹽塩 緣縁 艷艶 豔艶 應応 歐欧 毆殴
櫻桜 奧奥 橫横 溫温 穩穏 假仮 價価 畫画 會会 繪絵 壞壊 懷懐 擴拡 殼殻 覺覚 學学 嶽岳 樂楽 渴渇 罐缶
卷巻 陷陥 勸勧 寬寛 關関 歡歓 觀観 氣気 歸帰 僞偽 戲戯 犧犠 舊旧 據拠 擧挙 虛虚 峽峡 挾挟 狹狭 鄕郷
曉暁 區区 驅駆 勳勲 薰薫 徑径 莖茎 惠恵 揭掲 溪渓 經経 螢蛍 輕軽 繼継 鷄鶏 藝芸 擊撃 缺欠 硏研 縣県
儉倹 劍剣 險険 圈圏 檢検 獻献 權権 顯顕 驗験 嚴厳 戶戸 吳呉 娛娯 廣広 效効 恆恒 黃黄 鑛鉱 號号 國国
黑黒 碎砕 濟済 齋斎 劑剤 雜雑 參参 慘惨 棧桟 蠶蚕 贊賛 殘残 絲糸 飮飲 齒歯 兒児 辭辞 濕湿 實実 寫写
舍舎 釋釈 壽寿 收収 從従 澁渋 獸獣 縱縦 肅粛 處処 緖緒 敍叙 奬奨 將将 涉渉 燒焼 稱称 證証 乘乗 剩剰
壤壌 孃嬢 條条 淨浄 狀状 疊畳 讓譲 釀醸 囑嘱 觸触 寢寝 愼慎 眞真 盡尽 圖図 粹粋 醉酔 隨随 髓髄 數数
樞枢 瀨瀬 聲声 靜静 齊斉 稅税 蹟跡 說説 攝摂 竊窃 絕絶 專専 戰戦 淺浅 潛潜 纖繊 踐践 錢銭 禪禅 曾曽
壯壮 搔掻 爭争 莊荘 裝装 聰聡 總総 騷騒 增増 藏蔵 臟臓 卽即 屬属 續続 墮堕 體体 對対 帶帯 滯滞 臺台
瀧滝 擇択 澤沢 脫脱 單単 擔担 膽胆 團団 彈弾 斷断 癡痴 遲遅 晝昼 蟲虫 鑄鋳 廳庁 徵徴 聽聴 敕勅 鎭鎮
遞逓 鐵鉄 轉転 點点 傳伝 黨党 盜盗 燈灯 當当 鬪闘 德徳 獨独 讀読 屆届 繩縄 貳弐 惱悩 腦脳 霸覇 廢廃
拜拝 賣売 麥麦 發発 髮髪 拔抜 蠻蛮 祕秘 濱浜 甁瓶 拂払 佛仏 倂併 竝並 變変 邊辺 辨弁 瓣弁 辯弁 步歩
寶宝 豐豊 襃褒 沒没 飜翻 每毎 萬万 滿満 默黙 戾戻 譯訳 藥薬 彌弥 與与 譽誉 餘余 豫予 搖揺 樣様 謠謡
遙遥 來来 賴頼 亂乱 覽覧 龍竜 兩両 獵猟 綠緑 淚涙 壘塁 禮礼 勵励 戀恋 靈霊 齡齢 曆暦 歷歴 鍊錬 爐炉
勞労 樓楼 郞郎 祿禄 錄録 亙亘 灣湾 堯尭 巖巌 檜桧 槇槙 瑤瑶 穰穣 龜亀 插挿 搜捜 巢巣 穗穂 稻稲 隸隷
甞嘗 顏顔 淸清 靑青 旣既 槪概 內内 敎教 產産 彥彦 姬姫 吿告 尙尚 强強 晚晩 歲歳 銳鋭 閱閲 閒間 悅悦
屛屏 幷并 鬭闘 餠餅 麵麺 麪麺 舖舗 晉晋 鄰隣
"""

_NAMES: Final = """
髙高 﨑崎 嵜崎 嶋島 嶌島 冨富 舘館 邉辺 濵浜 槗橋 栁柳 桒桑 𠮷吉 曻昇 渕淵 渊淵 靍鶴 靏鶴 籔藪 薮藪
峯峰 畧略 羣群 囯国 圀国 昻昂 恊協 枩松 泪涙 煕熙 畄留 皐皋 礪砺 秊年 笋筍 翆翠 耻恥 聟婿 壻婿 脉脈
膓腸 莵兎 虵蛇 纎繊 觧解 謌歌 讃讚 軣轟 迯逃 迹跡 逹達 釼剣 劔剣 劒剣 剱剣 鈆鉛 銕鉄 閇閉 濶闊 鴈雁
頴穎 駈駆 鼡鼠 竃竈 况況 冲沖 决決 减減 凉涼 凖準 羮羹 噐器 薗園 蘆芦 龝秋 穐秋 亰京 竒奇 咒呪 讐讎
曵曳 壷壺 檪櫟 篭籠 蕋蕊 蛎蠣 裡裏 軀躯 靱靭
"""

_PRINTED: Final = """
嘘噓 填塡 頬頰 掴摑 蒋蔣 醤醬 鴎鷗 涜瀆 蝋蠟 撹攪 侠俠 溌潑 繋繫 繍繡 騨驒 祷禱 莱萊 顛顚 鯵鰺 鴬鶯
鹸鹼 蝉蟬 輌輛 賎賤 贋贗 醗醱 痩瘦 剥剝 呑吞 姊姉 屡屢 麹麴 焔焰 昿曠 砿礦 箪簞 粂条
"""

# Code point of a variant form -> code point of the common one; no value is a key.
VARIANTS: Final[dict[int, int]] = {ord(pair[0]): ord(pair[1]) for pair in (_OLD + _NAMES + _PRINTED).split()}
