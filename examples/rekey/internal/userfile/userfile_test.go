package userfile_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/userfile"
)

var now = time.Date(2026, 12, 31, 8, 0, 0, 0, time.UTC)

// read returns the users of a text, and the message for each line that is not a user.
func read(t *testing.T, text string) (users []userfile.User, problems []string) {
	t.Helper()
	r, err := userfile.NewReader(strings.NewReader(text), now)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	for {
		u, err := r.Read()
		if errors.Is(err, io.EOF) {
			return users, problems
		}
		if bad, ok := errors.AsType[*userfile.LineError](err); ok {
			problems = append(problems, fmt.Sprintf("%d: %s", r.Line(), bad.Problem))
		} else if err != nil {
			t.Fatalf("%q: %v", text, err)
		} else {
			users = append(users, u)
		}
	}
}

// Both formats give the same users.
func TestForms(t *testing.T) {
	t.Parallel()
	yes, no, zero, then := true, false, time.Time{}, time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
	want := []userfile.User{
		{Mobile: "12345678901", PasswordHash: "$2a$x,y", ID: "1", Tenant: "acme", VerifiedAt: &now, Disabled: &no, PasswordChangedAt: then},
		{Mobile: "+86 123", PasswordHash: "h", VerifiedAt: &zero, Disabled: &yes},
		{Mobile: "3", PasswordHash: "h", VerifiedAt: &then},
	}
	csv := "id,mobile, password_hash ,tenant,verified,disabled,password_changed_at\n" +
		"1,12345678901,\"$2a$x,y\",acme,true,false,2025-01-02T03:04:05Z\n\n" +
		",+86 123,h,,F,1,\n,3,h,,2025-01-02T04:04:05+01:00,,\n"
	json := `{"id":"1","mobile":12345678901,"password_hash":"$2a$x,y","tenant":"acme","verified":true,"disabled":false,"password_changed_at":"2025-01-02T03:04:05Z"}
		{"mobile":"+86 123","password_hash":"h","verified":false,"disabled":"true","tenant":null}` + "\n\n" + `{"verified":"2025-01-02T04:04:05+01:00","password_hash":"h","mobile":"3"}`
	for name, text := range map[string]string{
		"CSV": csv, "CSV of Windows": "\ufeff" + strings.ReplaceAll(csv, "\n", "\r\n"), "without a last line end": strings.TrimSpace(csv),
		"UTF-16": utf16(csv), "JSON": json, "JSON after white space": "\ufeff\n  " + json,
	} {
		users, problems := read(t, text)
		if diff := cmp.Diff(want, users); diff != "" || problems != nil {
			t.Errorf("%s: %s, %q", name, diff, problems)
		}
	}
}

func utf16(s string) string {
	var b strings.Builder
	b.WriteString("\xff\xfe")
	for _, r := range s {
		b.WriteByte(byte(r))
		b.WriteByte(0)
	}
	return b.String()
}

// A line that is not a user is named, and the lines after it are read.
func TestRefusedLines(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"1":                                   "it has 1 columns, and the first line has 4",
		"1,h,true,,":                          "it has 5 columns, and the first line has 4",
		"1,\"h,true,":                         "a quotation mark is missing or out of place",
		"1,h\"x,true,":                        "a quotation mark is missing or out of place",
		",h,true,":                            "mobile is missing",
		"1, ,true,":                           "password_hash is missing",
		"1,h,secret,":                         "verified is neither true nor false, nor a time such as 2026-12-31T08:00:00Z",
		"1,h,2027-01-01,":                     "verified is neither true nor false, nor a time such as 2026-12-31T08:00:00Z",
		"1,h,true,yesterday":                  "password_changed_at is not a time such as 2026-12-31T08:00:00Z",
		"1,h,true,2027-01-01T00:00:00Z":       "password_changed_at is not between 1970 and now",
		"1,h,0001-01-01T00:00:00Z,":           "verified is not between 1970 and now",
		"1,\xff,true,":                        "it is not UTF-8",
		"1," + strings.Repeat("h", 70_000):    "it is longer than 65536 bytes",
		"1," + strings.Repeat("h", 1_000_000): "it is longer than 65536 bytes",
	} {
		users, problems := read(t, "mobile,password_hash,verified,password_changed_at\n"+line+"\n2,h,true,\n")
		if fmt.Sprint(problems) != "[2: "+want+"]" || len(users) != 1 || users[0].Mobile != "2" {
			t.Errorf("%.40q: %q, %v; want %q", line, problems, users, want)
		}
	}
	noObject := `it is not one JSON object such as {"mobile": "…", "password_hash": "…"}`
	for line, want := range map[string]string{
		`{`: noObject, `[]`: noObject, `"text"`: noObject, `null`: noObject, `{"mobile":"1"} {}`: noObject, `{"mobile":"1"`: noObject, `{"mobile"}`: noObject, `{"mobile":1,}`: noObject, `{1:2}`: noObject,
		`{"password_hash":"h"}`:                             "mobile is missing",
		`{"mobile":"1","password_hash":""}`:                 "password_hash is missing",
		`{"Mobile":"1","password_hash":"h"}`:                `there is no field "Mobile"; the fields are mobile, password_hash, id, tenant, verified, disabled, password_changed_at`,
		`{"mobile":"1","mobile":"2","password_hash":"h"}`:   "mobile is there twice",
		`{"mobile":["1"],"password_hash":"h"}`:              "mobile is neither text nor true or false",
		`{"mobile":"1","password_hash":{"a":1}}`:            "password_hash is neither text nor true or false",
		`{"mobile":"1","password_hash":"h","disabled":"x"}`: "disabled is neither true nor false",
	} {
		users, problems := read(t, `{"mobile":"0","password_hash":"h"}`+"\n"+line+"\n"+`{"mobile":"2","password_hash":"h"}`)
		if fmt.Sprint(problems) != "[2: "+want+"]" || len(users) != 2 {
			t.Errorf("%s: %q, %v; want %q", line, problems, users, want)
		}
	}
}

func TestRefusedFilesOfUsers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                             "it is empty",
		" \r\n\n":                      "it is empty",
		"[{}]":                         "it is one JSON array",
		"mobile\n":                     "line 1: there is no column password_hash",
		"id,tenant":                    "line 1: there is no column mobile",
		"\n\nx,mobile":                 `line 3: there is no column "x"; the first line names the columns, which are mobile, password_hash, id, tenant, verified, disabled, password_changed_at`,
		"mobile;password_hash":         `line 1: there is no column "mobile;password_hash"`,
		"mobile,mobile":                "line 1: column mobile is there twice",
		"12345678901,$2a$x":            "line 1: it does not name the columns, which are mobile, password_hash, ",
		"mobile,\"password_hash":       "line 1: a quotation mark is missing or out of place",
		strings.Repeat("x", 1_000_000): "line 1: it is longer than 65536 bytes",
	} {
		if _, err := userfile.NewReader(strings.NewReader(text), now); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q: %v; want %q", text, err, want)
		}
	}
}

func TestSays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"mobile,password_hash\n": false, "mobile,verified,password_hash": true, "{}": true} {
		if r, err := userfile.NewReader(strings.NewReader(text), now); err != nil || r.Says("verified") != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A refused line sets nothing, no message repeats a hash, and no input makes the reader
// stop before the end.
func FuzzRead(f *testing.F) {
	f.Add("mobile,password_hash\n1,h\n\"\n2,h")
	f.Add("{\"mobile\":1,\"password_hash\":\"h\"}\n{\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := userfile.NewReader(strings.NewReader(text), now)
		if err != nil {
			return
		}
		for last := 0; ; last = r.Line() {
			u, err := r.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if _, ok := errors.AsType[*userfile.LineError](err); err != nil && !ok {
				t.Fatal(err)
			}
			if r.Line() <= last {
				t.Fatalf("line %d comes after line %d", r.Line(), last)
			}
			if err == nil && (u.Mobile == "" || u.PasswordHash == "") {
				t.Errorf("%+v has no number or hash", u)
			}
		}
	})
}
