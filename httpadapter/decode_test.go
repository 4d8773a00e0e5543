package httpadapter_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-16109ab2/rekey/httpadapter"
)

func TestDecodeReset(t *testing.T) {
	t.Parallel()
	type refused = httpadapter.Refused
	const rest = `,"verify_code":"1","password":"p"}`
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	body := &refused{"SDK.COMMON.1002", "body"}
	tests := []struct {
		name string
		body string
		want *refused
	}{
		{"good", `{"mobile":"1"` + rest, nil},
		{"white space around", "\t\r\n {\"mobile\" : \"1\"" + rest + " \n", nil},
		{"escaped name", `{"mobil\u0065":"1"` + rest, nil},
		{"unknown fields", `{"mobile":"1","a":1,"a":[{"mobile":2}],"MOBILE":"3"` + rest, nil},
		{"nested 32 deep", `{"x":` + nested(31) + `,"mobile":"1"` + rest, nil},
		{"brackets in strings", `{"x":"` + strings.Repeat(`[\"`, 40) + `","mobile":"1"` + rest, nil},
		{"surrogate pair", `{"mobile":"\ud83d\ude00"` + rest, nil},
		{"escaped backslash before u", `{"mobile":"\\ud800"` + rest, nil},
		{"lone surrogate in an unknown field", `{"x":"\ud800","mobile":"1"` + rest, nil},
		{"spelled replacement character", `{"mobile":"\ufffd"` + rest, nil},

		{"nothing", ``, body},
		{"white space", ` `, body},
		{"null", `null`, body},
		{"string", `"mobile"`, body},
		{"number", `1`, body},
		{"array of the object", `[{"mobile":"1"` + rest + `]`, body},
		{"two objects", `{"mobile":"1"` + rest + `{}`, body},
		{"trailing garbage", `{"mobile":"1"` + rest + `x`, body},
		{"trailing comma", `{"mobile":"1","verify_code":"1","password":"p",}`, body},
		{"trailing NUL", `{"mobile":"1"` + rest + "\x00", body},
		{"truncated", `{"mobile":"1","verify_code":"1","password":"p"`, body},
		{"comment", `{/**/"mobile":"1"` + rest, body},
		{"single quotes", `{'mobile':'1','verify_code':'1','password':'p'}`, body},
		{"form", `mobile=1&verify_code=1&password=p`, body},
		{"byte-order mark", "\ufeff" + `{"mobile":"1"` + rest, nil},
		{"two byte-order marks", "\ufeff\ufeff" + `{"mobile":"1"` + rest, body},
		{"byte-order mark after a space", " \ufeff" + `{"mobile":"1"` + rest, body},
		{"byte-order mark at the end", `{"mobile":"1"` + rest + "\ufeff", body},
		{"nothing but a byte-order mark", "\ufeff", body},
		{"half a byte-order mark", "\xef\xbb" + `{"mobile":"1"` + rest, body},
		{"UTF-16", "\xff\xfe{\x00}\x00", body},
		{"UTF-16", "\xff\xfe{\x00}\x00", body},
		{"other white space", "\u00a0" + `{"mobile":"1"` + rest, body},
		{"control character in a string", "{\"mobile\":\"1\n\"" + rest, body},
		{"NaN", `{"x":NaN,"mobile":"1"` + rest, body},
		{"leading zero", `{"x":01,"mobile":"1"` + rest, body},
		{"nested 33 deep", `{"x":` + nested(32) + `,"mobile":"1"` + rest, body},
		{"not UTF-8 in a name", "{\"\xff\":1,\"mobile\":\"1\"" + rest, body},
		{"not UTF-8 in an unknown field", "{\"x\":\"\xff\",\"mobile\":\"1\"" + rest, body},

		{"absent", `{"x":1` + rest, &refused{"SDK.COMMON.1001", "mobile"}},
		{"another case", `{"Mobile":"1"` + rest, &refused{"SDK.COMMON.1001", "mobile"}},
		{"folded letter", `{"mobile":"1","verify_code":"1","pa` + "\u017f\u017f" + `word":"p"}`, &refused{"SDK.COMMON.1001", "password"}},
		{"null field", `{"mobile":null` + rest, &refused{"SDK.COMMON.1001", "mobile"}},
		{"empty", `{"mobile":""` + rest, &refused{"SDK.COMMON.1001", "mobile"}},
		{"blank", `{"mobile":"1","verify_code":"1","password":" \t\u3000"}`, &refused{"SDK.COMMON.1001", "password"}},
		{"first of two missing", `{"password":"p"}`, &refused{"SDK.COMMON.1001", "mobile"}},
		{"missing before type", `{"mobile":1,"password":"p"}`, &refused{"SDK.COMMON.1001", "verify_code"}},

		{"number for a string", `{"mobile":1` + rest, &refused{"SDK.COMMON.1007", "mobile"}},
		{"true", `{"mobile":true` + rest, &refused{"SDK.COMMON.1007", "mobile"}},
		{"array of numbers to try", `{"mobile":["1","2"]` + rest, &refused{"SDK.COMMON.1007", "mobile"}},
		{"object", `{"mobile":{"$ne":""}` + rest, &refused{"SDK.COMMON.1007", "mobile"}},
		{"type before form", `{"mobile":"\u0000","verify_code":1,"password":"p"}`, &refused{"SDK.COMMON.1007", "verify_code"}},

		{"twice", `{"mobile":"1","mobile":"1"` + rest, &refused{"SDK.COMMON.1002", "mobile"}},
		{"twice, one null", `{"mobile":"1","mobile":null` + rest, &refused{"SDK.COMMON.1002", "mobile"}},
		{"twice, once escaped", `{"mobile":"1","\u006dobile":"1"` + rest, &refused{"SDK.COMMON.1002", "mobile"}},
		{"high surrogate", `{"mobile":"1","verify_code":"1","password":"\ud800"}`, &refused{"SDK.COMMON.1002", "password"}},
		{"low surrogate", `{"mobile":"1","verify_code":"1","password":"\uDE00x"}`, &refused{"SDK.COMMON.1002", "password"}},
		{"surrogates the wrong way round", `{"mobile":"1","verify_code":"1","password":"\ude00\ud83d"}`, &refused{"SDK.COMMON.1002", "password"}},
		{"two high surrogates", `{"mobile":"1","verify_code":"1","password":"\ud83d\ud83d"}`, &refused{"SDK.COMMON.1002", "password"}},
		{"surrogate and another escape", `{"mobile":"1","verify_code":"1","password":"\ud83d\n\ude00"}`, &refused{"SDK.COMMON.1002", "password"}},
		{"not UTF-8", "{\"mobile\":\"1\",\"verify_code\":\"1\",\"password\":\"\xff\"}", &refused{"SDK.COMMON.1002", "password"}},
		{"surrogate in UTF-8", "{\"mobile\":\"1\",\"verify_code\":\"1\",\"password\":\"\xed\xa0\x80\"}", &refused{"SDK.COMMON.1002", "password"}},
		{"overlong", "{\"mobile\":\"\xc0\xb1\"" + rest, &refused{"SDK.COMMON.1002", "mobile"}},
		{"NUL in password", `{"mobile":"1","verify_code":"1","password":"p\u0000"}`, &refused{"SDK.COMMON.1002", "password"}},
		{"NUL in code", `{"mobile":"1","verify_code":"1\u0000","password":"p"}`, &refused{"SDK.COMMON.1002", "verify_code"}},
		{"line break in number", `{"mobile":"1\r\n2"` + rest, &refused{"SDK.COMMON.1002", "mobile"}},
		{"C1 in number", `{"mobile":"1\u0085"` + rest, &refused{"SDK.COMMON.1002", "mobile"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mobile, code, password, err := httpadapter.DecodeReset([]byte(tt.body))
			switch {
			case err == nil && tt.want != nil:
				t.Errorf("accepted, want %v", *tt.want)
			case err != nil && tt.want == nil:
				t.Errorf("refused: %v", *err)
			case err != nil && *err != *tt.want:
				t.Errorf("refused: %v, want %v", *err, *tt.want)
			}
			if err != nil && mobile+code+password != "" {
				t.Errorf("refused with values %q %q %q", mobile, code, password)
			}
		})
	}
}

func TestDecodeSend(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body  string
		token string
		want  httpadapter.Refused
	}{
		{`{"mobile":"1","type":"T"}`, "", httpadapter.Refused{}},
		{`{"mobile":"1","type":"T","captcha_token":null}`, "", httpadapter.Refused{}},
		{`{"mobile":"1","type":"T","captcha_token":" \u2003"}`, "", httpadapter.Refused{}},
		{`{"mobile":"1","type":"T","captcha_token":" t"}`, " t", httpadapter.Refused{}},
		{`{"mobile":"1","captcha_token":1}`, "", httpadapter.Refused{Code: "SDK.COMMON.1001", About: "type"}},
		{`{"mobile":"1","type":"T","captcha_token":1}`, "", httpadapter.Refused{Code: "SDK.COMMON.1007", About: "captcha_token"}},
		{`{"mobile":"1","type":"T","captcha_token":[]}`, "", httpadapter.Refused{Code: "SDK.COMMON.1007", About: "captcha_token"}},
		{`{"mobile":"1","type":"T","captcha_token":"","captcha_token":""}`, "", httpadapter.Refused{Code: "SDK.COMMON.1002", About: "captcha_token"}},
		{`{"mobile":"1","type":"T","captcha_token":"\u0000"}`, "", httpadapter.Refused{Code: "SDK.COMMON.1002", About: "captcha_token"}},
		{`{"mobile":"1","type":"T\n"}`, "", httpadapter.Refused{Code: "SDK.COMMON.1002", About: "type"}},
	}
	for _, tt := range tests {
		mobile, purpose, token, err := httpadapter.DecodeSend([]byte(tt.body))
		if tt.want.Code == "" {
			if err != nil || mobile != "1" || purpose != "T" || token != tt.token {
				t.Errorf("%s: %q %q %q %v", tt.body, mobile, purpose, token, err)
			}
		} else if err == nil || *err != tt.want || mobile+purpose+token != "" {
			t.Errorf("%s: %q %q %q %v, want %v", tt.body, mobile, purpose, token, err, tt.want)
		}
	}
}

// FuzzDecodeReset checks the decoder: a refusal returns no value; encoding/json reads
// each accepted body as the same values; and the values, encoded again, decode to
// themselves.
func FuzzDecodeReset(f *testing.F) {
	for _, seed := range []string{
		resetBody, sendBody, `{"mobile":"1","mobile":"2","verify_code":"1","password":"p"}`,
		`{"mobile":"\ud83d\ude00","verify_code":"\\ud800","password":"\ud800"}`,
		"{\"mobile\":\"\xff\",\"Mobile\":\"1\",\"x\":[{\"y\":[1e9]}]}", `{}{}`, "\ufeff{}", `null`,
		`{"mobile":"1","verify_code":"\u0031","password":" \u00e9 ","x":{"mobile":["\udfff"]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		mobile, code, password, refused := httpadapter.DecodeReset(body)
		if refused != nil {
			if mobile+code+password != "" {
				t.Fatalf("refused %q with values %q %q %q", body, mobile, code, password)
			}
			return
		}
		var general map[string]any
		if err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\ufeff")), &general); err != nil {
			t.Fatalf("accepted %q, which is not a JSON object: %v", body, err)
		}
		values := map[string]string{"mobile": mobile, "verify_code": code, "password": password}
		for name, value := range values {
			if general[name] != value {
				t.Errorf("%s is %q, encoding/json reads %q", name, value, general[name])
			}
			if !utf8.ValidString(value) || strings.TrimSpace(value) == "" || strings.ContainsRune(value, 0) {
				t.Errorf("accepted %s %q", name, value)
			}
		}
		again, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		mobile2, code2, password2, refused := httpadapter.DecodeReset(again)
		if refused != nil || mobile2 != mobile || code2 != code || password2 != password {
			t.Errorf("%s decodes to %q %q %q, %v", again, mobile2, code2, password2, refused)
		}
	})
}

func TestContentType(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"application/json", "application/json;charset=utf8", "application/json; charset=utf-8", "Application/JSON ; Charset=\"UTF-8\"",
		"application/json;", "application/json;;charset = utf8 ;", "\tapplication/json\t;\tcharset=UTF8",
	} {
		if !httpadapter.AcceptedContentType(good) {
			t.Errorf("refused %q", good)
		}
	}
	for _, bad := range []string{
		"", "json", "text/json", "application/json2", "application/jsonp;charset=utf8", "application/json;charset=latin1",
		"application/json;charset=", "application/json;charset", "application/json;charset=utf8;charset=utf8", "application/json;version=1",
		"application/json;charset=\"utf8", "application/json;charset=\"\"", "application/json,text/plain", "application/json charset=utf8",
		"application/j\u017fon", "application/json;char\u017fet=utf8", "application/json;charset=utf8,application/json", "application/json;charset=utf-16",
		"application/json;charset=''utf8", "application/problem+json", "*/*",
	} {
		if httpadapter.AcceptedContentType(bad) {
			t.Errorf("accepted %q", bad)
		}
	}
	if httpadapter.AcceptedContentType() || httpadapter.AcceptedContentType("application/json", "application/json") {
		t.Error("accepted no Content-Type, or two")
	}
}
