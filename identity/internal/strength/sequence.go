package strength

import (
	"strings"
	"unicode"
)

// alphabets are sequences that people know by heart, one on each line. A run may continue
// from the end of a line at its start. The cost of a run depends on its length and its
// start.
const alphabets = `
0123456789 abcdefghijklmnopqrstuvwxyz
абвгдежзийклмнопрстуфхцчшщъыьэюя абвгдеёжзийклмнопрстуфхцчшщъыьэюя абвгґдеєжзиіїйклмнопрстуфхцчшщьюя абвгдђежзијклљмнњопрстћуфхцчџш
αβγδεζηθικλμνξοπρστυφχψω άβγδέζήθίκλμνξόπρστύφχψώ
אבגדהוזחטיכלמנסעפצקרשת
ابتثجحخدذرزسشصضطظعغفقكلمنهوي ابجدهوزحطيكلمنسعفصقرشتثخذضظغ ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی اأإآبتثجحخدذرزسشصضطظعغفقكلمنهوي أبتثجحخدذرزسشصضطظعغفقكلمنهوي أبجدهوزحطيكلمنسعفصقرشت

कखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसह अआइईउऊऋएऐओऔ अआइईउऊएऐओऔकखगघ
কখগঘঙচছজঝঞটঠডঢণতথদধনপফবভমযরলশষসহ অআইঈউঊঋএঐওঔ
கஙசஞடணதநபமயரலவழளறன அஆஇஈஉஊஎஏஐஒஓஔ కఖగఘఙచఛజఝఞటఠడఢణతథదధనపఫబభమయరలవశషసహ అఆఇఈఉఊఋఎఏఐఒఓఔ
ਕਖਗਘਙਚਛਜਝਞਟਠਡਢਣਤਥਦਧਨਪਫਬਭਮਯਰਲਵ કખગઘચછજઝટઠડઢણતથદધનપફબભમયરલવશષસહ
กขคฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ กขฃคฅฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ กขคงจฉชซ กขคงจฉชซดตถทนบปผฝพฟมยรลวสหอฮ
ကခဂဃငစဆဇဈညဋဌဍဎဏတထဒဓနပဖဗဘမယရလဝသဟဠအ កខគឃងចឆជឈញដឋឌឍណតថទធនបផពភមយរលវសហឡអ
აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ
가나다라마바사아자차카타파하 갸냐댜랴먀뱌샤야쟈챠캬탸퍄햐 고노도로모보소오조초코토포호 기니디리미비시이지치키티피히 거너더러머버서어저처커터퍼허 구누두루무부수우주추쿠투푸후
아야어여오요우유으이 갑을병정무기경신임계 자축인묘진사오미신유술해
ᄀᄂᄃᄅᄆᄇᄉᄋᄌᄎᄏᄐᄑᄒ ᅡᅣᅥᅧᅩᅭᅮᅲᅳᅵ ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ ㅏㅑㅓㅕㅗㅛㅜㅠㅡㅣ
あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん あかさたなはまやらわ
アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン アカサタナハマヤラワ
いろはにほへとちりぬるをわかよたれそつねならむうゐのおくやまけふこえてあさきゆめみしゑひもせす イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰノオクヤマケフコエテアサキユメミシヱヒモセス
ㄅㄆㄇㄈㄉㄊㄋㄌㄍㄎㄏㄐㄑㄒㄓㄔㄕㄖㄗㄘㄙㄚㄛㄜㄝㄞㄟㄠㄡㄢㄣㄤㄥㄦㄧㄨㄩ
一二三四五六七八九十 零一二三四五六七八九 〇一二三四五六七八九 壹贰叁肆伍陆柒捌玖拾 零壹贰叁肆伍陆柒捌玖 壹貳參肆伍陸柒捌玖拾 壱弐参四五六七八九拾 幺二三四五六拐八勾
甲乙丙丁戊己庚辛壬癸 子丑寅卯辰巳午未申酉戌亥 鼠牛虎兔龙蛇马羊猴鸡狗猪 鼠牛虎兔龍蛇馬羊猴雞狗豬 子鼠丑牛寅虎卯兔辰龙巳蛇午马未羊申猴酉鸡戌狗亥猪 赤橙黄绿青蓝紫 红橙黄绿青蓝紫 春夏秋冬 东南西北 金木水火土 十百千万亿兆 个十百千万亿 일이삼사오육칠팔구십 영일이삼사오육칠팔구 月火水木金土日 日月火水木金土 水金地火木土天海 월화수목금토일
赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张 天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏 人之初性本善性相近习相远苟不教性乃迁教之道贵以专
1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/ qazwsxedcrfvtgbyhnujmik,ol.p;/ 1qazxsw23edcvfr45tgbnhy67ujm,ki8 1q2w3e4r5t6y7u8i9o0p q1w2e3r4t5y6u7i8o9p0 1a2b3c4d5e6f7g8h9i0j a1b2c3d4e5f6g7h8i9j0 1a2s3d4f5g6h7j8k9l q1a2z3w4s5x6 147258369 741852963 789456123 159357 963852741 14725836 1472583690 3141592653589793238462643383279502884197 2718281828459045 112233445566778899 aabbccddeeffgghhiijj 😀😃😄😁😆😅🤣😂🙂🙃🫠😉😊😇 😀😃😄😁😆😅😂🤣🥲😊😇🙂🙃😉😌😍 🐶🐱🐭🐹🐰🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵 🍏🍎🍐🍊🍋🍌🍉🍇🍓🫐 ❤🧡💛💚💙💜🖤🤍🤎 🔴🟠🟡🟢🔵🟣⚫⚪🟤 🚗🚕🚙🚌🚎🏎🚓🚑🚒🚐 ⚽🏀🏈⚾🥎🎾🏐🏉🥏🎱 ααββγγδδεε ааббввггдд
`

// place is the position of a character in an alphabet.
type place struct{ alphabet, index int }

// after returns the index step characters after index. An alphabet goes on from its other
// end.
func after(letters []rune, index, step int) int {
	if index += step; index < 0 || index >= len(letters) {
		return (index + 2*len(letters)) % len(letters)
	}
	return index
}

// minSequence is the least length of a sequence. Two characters in order may be chance.
const minSequence = 3

type sequences struct {
	alphabets [][]rune
	places    map[rune][]place
	ascii     [unicode.MaxASCII + 1][]place // of places, without a look-up
}

func newSequences() *sequences {
	s := &sequences{places: map[rune][]place{}}
	for i, a := range strings.Fields(alphabets) {
		letters := []rune(a)
		s.alphabets = append(s.alphabets, letters)
		for j, r := range letters {
			s.places[r] = append(s.places[r], place{i, j})
		}
	}
	for r := range s.ascii {
		s.ascii[r] = s.places[rune(r)]
	}
	return s
}

// of returns the places of a character.
func (s *sequences) of(r rune) []place {
	if r <= unicode.MaxASCII {
		return s.ascii[r]
	}
	return s.places[r]
}

// find calls found for each sequence at the start of text: steps through an
// alphabet, or through the code points.
func (s *sequences) find(text []rune, found func(length int, guesses float64)) (steps int) {
	if len(text) < minSequence {
		return 0
	}
	for _, p := range s.of(text[0]) {
		letters := s.alphabets[p.alphabet]
		for _, step := range [...]int{1, -1, 2, -2} {
			if next := after(letters, p.index, step); letters[next] == text[1] {
				steps += run(text, letters, p.index, step, found)
			} else {
				steps++
			}
		}
	}
	if d := text[1] - text[0]; d != 0 && d >= -5 && d <= 5 {
		n := 1
		for n < min(len(text), walkLength) && text[n]-text[n-1] == d && kind(text[n]) == kind(text[0]) {
			n++
		}
		steps += n
		base := 26.0
		if text[0] > 0x300 {
			base = 100
		}
		for l := minSequence; l <= n; l++ {
			found(l, base*float64(l)*float64(2*max(d, -d)))
		}
	}
	return steps
}

func run(text, letters []rune, at, step int, found func(int, float64)) (steps int) {
	base := float64(len(letters))
	if at == 0 || at == len(letters)-1 || text[0] == '1' {
		base = 4 // an obvious place to start
	}
	if step < 0 {
		base *= 2
	}
	if step < -1 || step > 1 {
		base *= 4
	}
	n := 1
	for ; n < min(len(text), walkLength); n++ {
		if at = after(letters, at, step); letters[at] != text[n] {
			break
		}
	}
	for l := minSequence; l <= n; l++ {
		found(l, base*float64(l))
	}
	return n
}

// kind distinguishes digits, letters and other characters.
func kind(r rune) int {
	switch {
	case unicode.IsDigit(r):
		return 0
	case unicode.IsLetter(r):
		return 1
	}
	return 2
}
