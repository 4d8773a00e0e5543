package keyring_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/identity/internal/keyring"
)

var (
	oldSecret = strings.Repeat("o", 32)
	newSecret = strings.Repeat("n", 32)
)

func ring(t testing.TB, secrets ...string) *keyring.Ring {
	t.Helper()
	r, err := keyring.New(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDigestDependsOnEveryField(t *testing.T) {
	t.Parallel()
	r := ring(t, newSecret)
	fields := []string{"tenant", "client", "purpose", "device", "mobile", "code"}
	digest, id := r.Digest(fields...)
	if !r.Matches(digest, id, fields...) {
		t.Fatal("a digest does not match its own fields")
	}
	for i := range fields {
		other := append([]string(nil), fields...)
		other[i] += "x"
		if r.Matches(digest, id, other...) {
			t.Errorf("field %d does not count", i)
		}
	}
}

// Without length prefixes, tenant "ab" with client "c" would equal tenant "a" with
// client "bc".
func TestNoTwoListsOfFieldsShareADigest(t *testing.T) {
	t.Parallel()
	r := ring(t, newSecret)
	lists := [][]string{{"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}, {"", "abc"}, {"a", "b", "c"}, {"\x00\x00\x00\x01a", "bc"}, {}}
	seen := map[string]int{}
	for i, fields := range lists {
		digest, _ := r.Digest(fields...)
		if j, dup := seen[string(digest)]; dup {
			t.Errorf("%q and %q share a digest", lists[i], lists[j])
		}
		seen[string(digest)] = i
		if fp := string(r.RowKey(fields...)); fp == string(digest) {
			t.Errorf("%q: a digest and a row key are the same", fields)
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	before := ring(t, oldSecret)
	digest, id := before.Digest("code")
	sealed, _ := before.Seal([]byte("text"), "row")

	during := ring(t, newSecret, oldSecret)
	if !during.Matches(digest, id, "code") {
		t.Error("a code became invalid at the rotation although its secret is listed")
	}
	if text, err := during.Open(sealed, "row"); err != nil || string(text) != "text" {
		t.Errorf("Open = %q, %v while the secret is listed", text, err)
	}
	if _, newID := during.Digest("code"); newID == id {
		t.Error("new digests are made with the old secret")
	}

	after := ring(t, newSecret)
	if after.Matches(digest, id, "code") {
		t.Error("a code of an unlisted secret matches")
	}
	if _, err := after.Open(sealed, "row"); !errors.Is(err, keyring.ErrSealed) {
		t.Errorf("Open = %v, want ErrSealed", err)
	}
}

// Servers that already list the new secret, and servers that do not, use the same rows.
func TestRotationInSteps(t *testing.T) {
	t.Parallel()
	before, first, second := ring(t, oldSecret), ring(t, oldSecret, newSecret, oldSecret), ring(t, newSecret, oldSecret)
	for step, r := range map[string]*keyring.Ring{"first": first, "second": second} {
		if !bytes.Equal(before.RowKey("number"), r.RowKey("number")) {
			t.Errorf("the %s step changes the keys of rows", step)
		}
	}
	digest, id := first.Digest("code")
	if !before.Matches(digest, id, "code") {
		t.Error("servers before the first step refuse codes of a server after it")
	}
	digest, id = second.Digest("code")
	if !first.Matches(digest, id, "code") {
		t.Error("servers after the first step refuse codes of a server after the second step")
	}
}

func TestSealedTextBelongsToItsRow(t *testing.T) {
	t.Parallel()
	r := ring(t, newSecret)
	sealed, _ := r.Seal([]byte("text"), "row 1")
	if _, err := r.Open(sealed, "row 2"); !errors.Is(err, keyring.ErrSealed) {
		t.Errorf("opened in another row: %v", err)
	}
	if bytes.Contains(sealed, []byte("text")) {
		t.Error("sealed text is readable")
	}
	if again, _ := r.Seal([]byte("text"), "row 1"); bytes.Equal(sealed, again) {
		t.Error("sealing twice gives the same bytes: the nonce repeats")
	}
}

// Property: only the exact bytes that were sealed can be opened. genuine is "text"
// sealed for "row" under newSecret. It is a constant, because the fuzzer's processes
// must agree on the one input that opens.
const genuine = "343630363566623436616265393964387c7d6cc25c3feb5dc831f7e3a3b10792dc4d4c27a2eafff6f759f07e5122a794"

func FuzzOpen(f *testing.F) {
	r := ring(f, newSecret, oldSecret)
	sealed, err := hex.DecodeString(genuine)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed, "row")
	f.Add(sealed[:20], "row")
	f.Add([]byte{}, "")
	f.Fuzz(func(t *testing.T, input []byte, binding string) {
		text, err := r.Open(input, binding)
		isGenuine := bytes.Equal(input, sealed) && binding == "row"
		if isGenuine != (err == nil) {
			t.Fatalf("genuine %v, error %v", isGenuine, err)
		}
		if err != nil && text != nil {
			t.Fatalf("%q returned with an error", text)
		}
	})
}
