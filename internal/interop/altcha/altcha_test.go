package altcha_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/altcha"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

// directory is an environment variable that names a folder in which
// "npm install altcha-lib@2.8.0 altcha@3.2.2" was run.
const directory = "REKEY_TEST_ALTCHA"

const secret = "thirty-two bytes of a test secret"

// The script uses both packages to do what a browser and another server would do.
const script = `
import * as lib from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';
import * as widget from 'altcha/lib';
import { readFileSync } from 'node:fs';

// This is the client of docs/captcha.md.
DOCUMENTED

const { challenges, token, signature, key, data } = JSON.parse(readFileSync(0, 'utf8'));
const encode = (challenge, solution) =>
  btoa(JSON.stringify({ challenge: { parameters: challenge.parameters, signature: challenge.signature }, solution }));
const secrets = { hmacSignatureSecret: signature, hmacKeySignatureSecret: key };

// They solve our challenge.
const libToken = encode(challenges[0], await lib.solveChallenge({ challenge: challenges[0], deriveKey }));
const widgetToken = encode(challenges[1], await widget.solveChallenge({ challenge: challenges[1], deriveKey: widget.pbkdf2.deriveKey }));

const documentedToken = await solve(challenges[2]);
const halves = await Promise.race([solve(challenges[3], 0, 2), solve(challenges[3], 1, 2)]);

// They check our solution of our challenge.
const ours = JSON.parse(atob(token));
const verified = (await lib.verifySolution({ ...ours, deriveKey, ...secrets })).verified;
const derived = (await lib.verifySolution({ ...ours, deriveKey, hmacSignatureSecret: signature })).verified;
ours.solution.derivedKey = ours.solution.derivedKey.replace(/^../, '00');
const forged = (await lib.verifySolution({ ...ours, deriveKey, ...secrets })).verified;

// They solve their own challenge.
const theirs = await lib.createChallenge({
  algorithm: 'PBKDF2/SHA-256', cost: 200, counter: lib.randomInt(50), data, deriveKey,
  expiresAt: new Date(Date.now() + 60_000), ...secrets,
});
const theirsToken = encode(theirs, await lib.solveChallenge({ challenge: theirs, deriveKey }));

const out = JSON.stringify({ documentedToken, halves, libToken, widgetToken, verified, derived, forged, theirs, theirsToken });
process.stdout.write(out, () => process.exit(0)); // the half that found nothing is still searching
`

func derive(t *testing.T, info string) string {
	t.Helper()
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, info, 32)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(key)
}

// TestAgainstNpm lets the npm packages solve our challenges and check our
// solutions, and lets our verifier check a challenge that they made.
func TestAgainstNpm(t *testing.T) {
	t.Parallel()
	dir := os.Getenv(directory)
	if dir == "" {
		t.Skipf("to run it, run \"npm install altcha-lib@2.8.0 altcha@3.2.2\" in a folder and set %s to that folder", directory)
	}
	v, err := altcha.New(altcha.Config{
		Secret: identity.NewSecret(secret), Counter: memory.New(), Levels: []altcha.Difficulty{{Iterations: 500, Numbers: 100}},
	})
	if err != nil {
		t.Fatal(err)
	}
	request := identity.CaptchaRequest{Mobile: "+8612345678901", Purpose: identity.PurposeForgotPassword}
	challenge := func() json.RawMessage {
		c, err := v.Challenge(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	mine := challenge()
	token, err := altcha.Solve(t.Context(), mine)
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct {
		Parameters struct{ Data json.RawMessage }
	}
	if err := json.Unmarshal(mine, &parsed); err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(map[string]any{
		"challenges": []json.RawMessage{challenge(), challenge(), challenge(), challenge()}, "token": token, "data": parsed.Parameters.Data,
		"signature": derive(t, "rekey/v1/altcha signature"), "key": derive(t, "rekey/v1/altcha key signature"),
	})
	if err != nil {
		t.Fatal(err)
	}

	var out struct {
		LibToken, WidgetToken, TheirsToken, DocumentedToken, Halves string
		Verified, Derived, Forged                                   bool
		Theirs                                                      json.RawMessage
	}
	runNode(t, dir, input, &out)

	verify := func(what, token string, want error) {
		t.Helper()
		r := request
		r.Token = token
		if err := v.VerifyCaptcha(t.Context(), r); !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	if !out.Verified || !out.Derived || out.Forged {
		t.Errorf("altcha-lib accepts our solution by key: %v, by derivation: %v; accepts a forged solution: %v", out.Verified, out.Derived, out.Forged)
	}
	verify("our challenge, solved by altcha-lib", out.LibToken, nil)
	verify("the token again", out.LibToken, identity.ErrCaptchaExpired)
	verify("our challenge, solved by altcha", out.WidgetToken, nil)
	verify("a challenge of altcha-lib, solved by it", out.TheirsToken, nil)
	verify("our challenge, solved by the documented client", out.DocumentedToken, nil)
	verify("our challenge, solved by two of them", out.Halves, nil)

	// Our solver solves their challenge.
	theirs, err := altcha.Solve(t.Context(), out.Theirs)
	if err != nil {
		t.Fatal(err)
	}
	verify("a challenge of altcha-lib, solved by ours, after it was used", theirs, identity.ErrCaptchaExpired)
	text, err := base64.StdEncoding.DecodeString(theirs)
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Replace(text, []byte(`"signature":"`), []byte(`"signature":"00`), 1)
	verify("with another signature", base64.StdEncoding.EncodeToString(forged), identity.ErrCaptchaWrong)
}

// documented is the client in docs/captcha.md.
func documented(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/captcha.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(page), "```js\n")
	code, _, found := strings.Cut(code, "```\n")
	if !found {
		t.Fatal("docs/captcha.md has no client code")
	}
	return code
}

func runNode(t *testing.T, dir string, input []byte, out any) {
	t.Helper()
	// node looks for packages in node_modules beside the file.
	file, err := os.CreateTemp(dir, "interop-*.mjs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(file.Name()) })
	if _, err := file.WriteString(strings.Replace(script, "DOCUMENTED", documented(t), 1)); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", filepath.Base(file.Name()))
	node.Dir = dir
	node.Stdin = bytes.NewReader(input)
	var complaints strings.Builder
	node.Stderr = &complaints
	answer, err := node.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, complaints.String())
	}
	if err := json.Unmarshal(answer, out); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
}
