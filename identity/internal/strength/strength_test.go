package strength_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/identity/internal/strength"
)

// The default of the policy.
const wanted = 3

var weak = map[string][]string{
	"English": {
		"password", "Password1", "P@ssw0rd", "p4$$w0rd1", "1loveyou", "iloveyou2", "drowssap", "dr0wssap1", "letmein123",
		"passwordpassword", "password123456", "PASSWORD2024!", "welcome2026", "monkey-dragon", "p.a.s.s.w.o.r.d", "p a s s w o r d",
		"sunshine1!", "administrator", "rotartsinimda", "sdrawkcabdrowssap", "qwerty123456", "trustno1trustno1", "football2025", "onetwothree", "monday123",
	},
	"letters of other forms": {
		"ｐａｓｓｗｏｒｄ", "ＰＡＳＳＷＯＲＤ１２３", "𝐩𝐚𝐬𝐬𝐰𝐨𝐫𝐝", "ⓟⓐⓢⓢⓦⓞⓡⓓ", "pаsswоrd1", "раsswоrd", "pässwörd", "p\u00adassw\u200bord1",
		"pass\u2060word\ufeff12", "p̷a̷s̷s̷w̷o̷r̷d̷", "ραssωοrd", "p\u0430ssw\u043erd", "１２３４５６７８", "①②③④⑤⑥⑦⑧", "１２３ａｂｃ４５６",
		"ⅠⅡⅢⅣⅤⅥⅦⅧ", "ﷺﷺﷺﷺﷺﷺﷺﷺ", "1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣", "㈠㈡㈢㈣㈤㈥㈦㈧", "⒈⒉⒊⒋⒌⒍⒎⒏",
	},
	"digits of other scripts": {
		"١٢٣٤٥٦٧٨", "۱۲۳۴۵۶۷۸۹", "१२३४५६७८", "๑๒๓๔๕๖๗๘", "০১২৩৪৫৬৭", "𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖", "８７６５４３２１", "١١١١١١١١",
		"１９９００１０１", "٢٠٠٠١٢٣١",
	},
	"repetition": {
		"密密密密密密密密", "жжжжжжжж", "ЖЖЖЖЖЖЖЖЖЖЖЖ", "密码密码密码密码", "пароль пароль", "我我我我我我我我我我", "ああああああああ", "😀😀😀😀😀😀😀😀", "가가가가가가가가",
		"سسسسسسسس", "абабабабаб", "猫狗猫狗猫狗猫狗", "aaaaaaaaaaaaaaaaaaaaaaaa", "1234567812345678", "ЖжЖжЖжЖж", "ééééééééé",
		"e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301", "xkq xkq xkq xkq", "👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧",
		"黑黑黑黑白白白白", strings.Repeat("a", 200), strings.Repeat("зима", 100), strings.Repeat("一二", 512),
	},
	"sequences": {
		"一二三四五六七八", "八七六五四三二一", "壹贰叁肆伍陆柒捌", "壹貳參肆伍陸柒捌", "甲乙丙丁戊己庚辛", "子丑寅卯辰巳午未", "абвгдежз", "абвгдеёжз", "зжедгвба", "АБВГДЕЖЗ",
		"эюяабвгд", "αβγδεζηθ", "θηζεδγβα", "あいうえおかきく", "アイウエオカキク", "ｱｲｳｴｵｶｷｸ", "いろはにほへと", "가나다라마바사아", "ㄱㄴㄷㄹㅁㅂㅅㅇ", "ابتثجحخد", "ا ب ت ث ج ح خ د",
		"ابجدهوزح", "אבגדהוזח", "कखगघङचछज", "अआइईउऊएऐ", "กขคงจฉชซ", "აბგდევზთ", "աբգդեզէը", "ㄅㄆㄇㄈㄉㄊㄋㄌ", "abcdefgh", "hgfedcba", "acegikmo",
		"1-2-3-4-5-6-7-8", "1.2.3.4.5.6.7.8", "a b c d e f g h", "一、二、三、四、五", "鼠牛虎兔龙蛇马羊", "😀😁😂😃😄😅😆😇", "7890123456", "일이삼사오육칠팔",
		"абвгд12345", "一二三四1234", "abc123def456", "ABCD1234", "୧୨୩୪୫୬୭୮", "一三五七九一三五",
	},
	"keyboards": {
		"qwertyuiop", "poiuytrewq", "zaqwsxcderfv", "1qaz2wsx3edc", "!QAZ2wsx", "!@#$%^&*", "qazwsxedc", "йцукенгш", "ЙЦУКЕНГШЩЗ", "шгнекуцй", "фывапролдж", "ячсмитьбю",
		"йфяцычувс", "qwerty йцукен", "asdfghjkl;'", "1q2w3e4r5t6y", "azertyuiop", "qsdfghjklm", "qwertzuiop", "ςερτυθιο", "ασδφγηξκ", "ضصثقفغعه", "شسيبلاتن",
		"שדגכעיחל", "ㅂㅈㄷㄱㅅㅛㅕㅑ", "ㅁㄴㅇㄹㅎㅗㅓㅏ", "ฟหกดเ้่าส", "aoeuidhtns", "йцуйцу123", "фывафыва", "qwerasdf", "1й2ц3у4к",
	},
	"the wrong keyboard": {
		"gfhjkm123", "Gfhjkm12", "gfhjkmgfhjkm", "зфыыцщкв", "ЗФЫЫЦЩКВ1", "ghbdtn123", "vjqgfhjkm", "k.,k.nt,z", "ыефкефшт", "зфыыцщкв123456", "qlalfqjsgh1", "ㅔㅁㄴㄴ잭ㅇ",
	},
	"Russian": {
		"пароль12", "Пароль123", "ПАРОЛЬ1234", "п а р о л ь 1 2", "мойпароль", "мой-пароль", "любовь123", "привет2024", "наташа1990", "солнышко", "люблютебя", "я тебя люблю",
		"лорап123", "ьлорап12", "п@роль123", "пaрoль123", "паролъ123", "москва2024", "спартак1922", "максим123456", "parol123", "privet12", "solnyshko1", "natasha1985", "александр1", "раздватри",
		"одиндватритри", "пароль!!!", "12пароль", "йцукен12", "Zenit2008", "путин2018",
	},
	"Chinese": {
		"密码123456", "密码12345678", "我的密码123", "mima123456", "我爱你1314", "我爱你520", "woaini1314", "woaini520", "woaini5201314", "5201314woaini", "5201314a", "zhangwei123", "wangfang1990",
		"我爱你一万年", "中国中国123", "中华人民共和国", "好好学习天天向上", "天天向上好好学习", "床前明月光疑是地上霜", "床前明月光，疑是地上霜", "恭喜发财123456", "密碼123456", "qq123456789", "a123456789", "147258369", "7758521a",
		"woaibeijing", "nihao123456", "19900101zhang", "张伟19900101", "1990年01月01日", "woaizhongguo", "buzhidao123", "wodemima123", "老婆我爱你123", "１３１４５２０密码", "521521密码", "爱你爱你爱你爱你", "北京20080808",
	},
	"other languages": {
		"비밀번호123", "사랑해사랑해", "비밀번호1234", "안녕하세요12", "パスワード123", "ぱすわーど１２", "こんにちは123", "كلمةالسر123", "حبيبي123456", "الله الله الله", "סיסמה1234", "κωδικός123", "รหัสผ่าน123", "पासवर्ड123",
		"contraseña1", "contrasena123", "teamo12345", "motdepasse1", "passwort123", "parola1234", "mậtkhẩu123", "matkhau123", "hasło12345", "senha12345", "şifre12345", "şifre1923", "salasana123", "sayang123",
		"bismillah786", "qwertz12345", "azerty12345", "einszweidrei", "ichliebedich", "jetaime123", "пароль2024ua",
	},
	"two things that come to mind": {
		"我爱你中国2024", "中国加油2008", "天安门广场", "好好学习123", "爱你一生一世1314", "李明19851212", "王小明123456", "wo ai ni 1314", "wo1ai2ni3", "woaini@1314", "nihao@123", "zhangwei@163", "Zhangwei1988",
		"wangxiaoming88", "liming19900101", "zhongguo123!", "woshizhongguoren", "tiananmen1989", "qingdao2010", "mingtianhuigenghao", "zuguowansui", "wozhenaini", "aiwobieyuan",
		"zhangjiahui0921", "jiayouzhongguo", "1314woaini520", "520woaini", "5201314520", "13145201314", "147258369a", "1qaz@WSX", "asdf;lkj", "qwer1234!", "密码就是密码", "密码不告诉你", "我忘记密码了",
		"你猜不到我的密码", "不告诉你密码", "abcd一二三四", "1一2二3三4四", "１２３４密码", "пароль от почты", "мой пароль 123", "мама мыла раму", "люблю маму", "Саша1987", "нюша2010", "Москва-2024",
		"спартак чемпион", "дмитрий123", "привет123456", "приветмир", "йцукен1234", "qwertyйцукен", "йцу123фыв", "Пароль_2023", "п4р0ль123", "п@р0ль", "gfhjkm_123", "Ghbdtn123!",
		"rjirf2010", "cj,frf123", "ntcn1234", "vfvfgfgf", "1й2ц3у4к5е", "ячсмитьб", "ёжик12345", "матрешка", "путешествие1", "незабудка2010", "안녕하세요1", "사랑해요123", "비밀번호입니다", "대한민국1234",
		"가나다라1234", "한글날1009", "방탄소년단7", "ㅂㅣㅁㅣㄹ번호", "tkfkdgody1", "dkssudgktpdy1", "パスワード", "わたしのパスワード", "ありがとう123", "さくら2020", "アイウエオ123", "あいうえお12345", "パスワード１２３４", "كلمة السر",
		"كلمةالمرور1", "احبك حبيبتي", "محمد رسول الله", "بسم الله", "مرحبا123", "قطر٢٠٢٢", "١٢٣٤٥٦٧٨٩", "סיסמה123", "ירושלים1", "κωδικός1", "αβγδ1234", "ελλάδα2004", "รหัสผ่าน1",
		"สวัสดีครับ", "ฉันรักเธอ1", "प्यार1234", "जयश्रीराम", "भारतमाता1", "şifre123", "contraseña", "Contraseña2024", "passwort1!", "Schalke04!", "Bayern2024", "azerty1234",
		"jetaime!", "😀😃😄😁😆😅😂🤣", "🐶🐱🐭🐹🐰🦊🐻🐼", "❤❤❤❤💕💕💕💕", "♠♥♦♣♠♥♦♣", "αααααααα", "１１１１１１１１", "ⅰⅱⅲⅳⅴⅵⅶⅷ", "abcdefgh一二三四", "Aa123456789", "qwe123!@#", "1q2w3e4r!", "P@ssword123",
		"passw0rd!!", "welcome@123", "love4ever", "letmein!!", "Qwerty@2024", "Monday2024!", "January2025", "Liverpool1", "starwars77", "iloveyou2much", "monkeybusiness",
		"tobeornottobe",
	},
	"a counter": {"password1password2password3", "пароль1пароль2пароль3", "密码1密码2密码3密码4", "qwe1qwe2qwe3"},
	"dates":     {"19900101", "01.01.1990", "1990-01-01", "31121999", "19901231a", "20010911", "1990/12/31", "２０２４０１０１", "11.11.2011"},
}

var strong = []string{
	"violet-Harbor-93", "correct horse battery staple", "我的密码又长又安全呀", "ключ-от-Гавани-93", "  spaces count 42x  ", "Tr0ub4dour&3-kettle",
	"龘爨鱻麤纛籲灪麣", "铅笔橘子雷达沙漏", "雨伞 钢琴 月球 火车 围巾", "青蛙在屋顶上弹钢琴", "四月的邮差忘记带雨伞", "правильная лошадь батарея скрепка", "Синий-Ёжик-Пьёт-Какао", "сорок утюгов на балконе",
	"حصان صحيح بطارية دباسة", "قهوة باردة في المطر الأزرق", "말이정확히배터리를물었다", "푸른 고래가 피아노를 친다", "ม้าถูกต้องแบตเตอรี่ลวดเย็บ", "正しい馬の電池ホッチキス", "むらさきいろのでんわがないた", "סוס נכון סוללה מהדק",
	"σωστό άλογο μπαταρία", "सही घोड़ा बैटरी स्टेपल", "🦊🚲🌋🥨🎻🪁🧊🐙", "🐙 plays 🎻 under 🌋", "x7Kq#mV2pL9z", "gT5vWq8ZrN2c", "kettle spoon orbit marble", "Zwölf Boxkämpfer jagen Viktor", "cinq-girafes-mangent-du-nougat",
	"ḳetṭle ṣpoon orbit ṃarble", "trzy zielone rowery na dachu", "ბებერი დათვი ჭამს თაფლს", "qvxzjwkpfhgy", "9137402865213",
}

func TestWeakPasswordsOfTheWorld(t *testing.T) {
	t.Parallel()
	for kind, passwords := range weak {
		for _, p := range passwords {
			if got := strength.Score(p, nil); got >= wanted {
				t.Errorf("%s: %.60q scores %d", kind, p, got)
			}
		}
	}
}

func TestStrongPasswordsOfTheWorld(t *testing.T) {
	t.Parallel()
	for _, p := range strong {
		if got := strength.Score(p, nil); got < wanted {
			t.Errorf("%q scores %d", p, got)
		}
	}
}

// Reaches agrees with Score, whatever the score that is asked for.
func TestReaches(t *testing.T) {
	t.Parallel()
	context := []string{"acme", "+8613987620145", "13987620145"}
	all := slices.Concat(slices.Collect(maps.Values(weak))...)
	all = append(all, strong...)
	random := rand.New(rand.NewPCG(7, 8))
	for range 3000 { // parts of those, and characters between them
		word := []rune(all[random.IntN(len(all))])
		from := random.IntN(len(word))
		word = word[from:min(len(word), from+1+random.IntN(16))]
		other := []rune(strong[random.IntN(len(strong))])
		all = append(all, string(word)+string(rune('!'+random.Int32N('~'-'!')))+string(other[:random.IntN(min(len(other), 6))]))
	}
	for _, p := range all {
		score := strength.Score(p, context)
		for least := -1; least <= 5; least++ {
			if got := strength.Reaches(p, context, least); got != (score >= least) {
				t.Errorf("%.60q scores %d, but Reaches is %t for %d", p, score, got, least)
			}
		}
	}
}

func BenchmarkReaches(b *testing.B) {
	for name, p := range map[string]string{"usual": "violet-Harbor-93", "weak": "password1", "Chinese": "青蛙在屋顶上弹钢琴", "repeated": strings.Repeat("a", 1024)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				strength.Reaches(p, []string{"acme", "12345678901"}, wanted)
			}
		})
	}
}

// Words of the context are guessed first, in any spelling.
func TestContextIsGuessedFirst(t *testing.T) {
	t.Parallel()
	context := []string{"Zyxwqkfört", "+8613987620145", "13987620145", "Ключевание"}
	for _, p := range []string{
		"zyxwqkfört1", "ZYXWQKFÖRT!", "zyxwqkfo\u0308rt12", "trofkqwxyz1", "zyxwqkfort12", "１３９８７６２０１４５a", "139-8762-0145", "139 8762 0145!", "54102678931", "ключевание1", "+86 139 8762 0145",
		"١٣٩٨٧٦٢٠١٤٥",
	} {
		if got := strength.Score(p, context); got >= wanted {
			t.Errorf("%q scores %d", p, got)
		}
	}
	if got := strength.Score("violet-Harbor-93", context); got < wanted {
		t.Errorf("without the context the password scores %d", got)
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"ＡＢｃ１": "abc1", "Straße": "strasse", "e\u0301": "é", "É": "é", "pa\u00adss\u200b\u2060\ufeff": "pass", "١٢٣": "123", "𝟙𝟚": "12", "1️⃣": "1",
		"\u202aabc\u202c": "abc", "": "", "ΣΑΣ": "σασ", "ｶﾞ": "ガ",
	} {
		if got := strength.Fold(in); got != want {
			t.Errorf("Fold(%+q) = %+q, want %+q", in, got, want)
		}
	}
}

// Random passwords are strong, except the few that look like a pattern.
func TestRandomPasswordsAreStrong(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	for name, alphabet := range map[string]struct {
		first, last rune
		length      int
	}{
		"ASCII": {'!', '~', 10}, "lower case": {'a', 'z', 12}, "digits": {'0', '9', 14}, "Cyrillic": {'а', 'я', 11}, "Greek": {'α', 'ω', 11}, "Arabic": {'ف', 'ي', 12},
		"Thai": {'ก', 'ฮ', 12}, "Devanagari": {'क', 'ह', 12}, "kana": {'ぁ', 'ん', 10}, "Han": {0x4e00, 0x9fa5, 8}, "Hangul": {0xac00, 0xd7a3, 8}, "pictures": {0x1f300, 0x1f5fe, 8},
	} {
		const tries, allowed = 100, 5
		refused := 0
		for range tries {
			var b strings.Builder
			for range alphabet.length {
				b.WriteRune(alphabet.first + random.Int32N(alphabet.last-alphabet.first+1))
			}
			if strength.Score(b.String(), nil) < wanted {
				refused++
			}
		}
		if refused > allowed {
			t.Errorf("%s: %d of %d refused", name, refused, tries)
		}
	}
}
