package management

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-16109ab2/rekey/identity"
)

// Scope names something that a token allows.
type Scope string

// The scopes.
const (
	ScopeAll            Scope = "all"              // every call, also those that later versions add
	ScopeCheckPasswords Scope = "passwords:check"  // check a password: the login of the backend
	ScopeChangePassword Scope = "passwords:change" // change a password, with the old one
	ScopeSetPasswords   Scope = "passwords:set"    // set a password without the old one
	ScopeReadUsers      Scope = "users:read"       // find and list users
	ScopeWriteUsers     Scope = "users:write"      // create, change and unlock users
	ScopeEraseUsers     Scope = "users:erase"      // erase users
	ScopeMobiles        Scope = "users:mobile"     // see numbers in full instead of masked
	ScopeReadClients    Scope = "clients:read"     // list applications
	ScopeWriteClients   Scope = "clients:write"    // register, turn off and remove applications
	ScopeCodes          Scope = "codes"            // send and redeem codes
	ScopeReadEvents     Scope = "events:read"      // read the audit trail
	ScopeReadMessages   Scope = "messages:read"    // read what became of messages
	ScopeReadMetrics    Scope = "metrics:read"     // read the metrics
)

// Scopes returns every scope.
func Scopes() []Scope {
	return []Scope{
		ScopeAll, ScopeCheckPasswords, ScopeChangePassword, ScopeSetPasswords, ScopeReadUsers, ScopeWriteUsers, ScopeEraseUsers,
		ScopeMobiles, ScopeReadClients, ScopeWriteClients, ScopeCodes, ScopeReadEvents, ScopeReadMessages, ScopeReadMetrics,
	}
}

// Token is the server's record of a bearer token.
type Token struct {
	// Name says whose token it is, in logs. Several tokens may have one name, as while
	// a token is rotated.
	Name   string
	Scopes []Scope
	// Digest is the SHA-256 of the token. A fast digest is enough because tokens are
	// random: 256 bits cannot be searched.
	Digest [sha256.Size]byte
}

// tokenPrefix lets scanners for leaked secrets recognize a token.
const tokenPrefix = "rekey_mt_"

// NewToken makes a token of 256 random bits. The secret is for the caller and is
// kept nowhere; [Token.Line] is for the server's file. Errors: a name or a scope that
// a line cannot have.
func NewToken(name string, scopes ...Scope) (identity.Secret, Token, error) {
	t := Token{Name: name, Scopes: slices.Clone(scopes)}
	if err := t.check(); err != nil {
		return identity.Secret{}, Token{}, err
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	secret := tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	t.Digest = sha256.Sum256([]byte(secret))
	return identity.NewSecret(secret), t, nil
}

const nameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

func (t *Token) check() error {
	if t.Name == "" || len(t.Name) > 64 || strings.Trim(t.Name, nameCharacters) != "" {
		return fmt.Errorf("management: token name %q: use 1 to 64 letters, digits, dots, dashes and underscores", t.Name)
	}
	if len(t.Scopes) == 0 {
		return fmt.Errorf("management: token %s has no scope", t.Name)
	}
	for _, s := range t.Scopes {
		if !slices.Contains(Scopes(), s) {
			return fmt.Errorf("management: token %s: unknown scope %q", t.Name, s)
		}
	}
	return nil
}

// allows reports whether the token has the scope.
func (t *Token) allows(s Scope) bool {
	return slices.Contains(t.Scopes, s) || slices.Contains(t.Scopes, ScopeAll)
}

// Line is the token's line in a file: name, scopes and digest.
func (t *Token) Line() string {
	scopes := make([]string, len(t.Scopes))
	for i, s := range t.Scopes {
		scopes[i] = string(s)
	}
	return t.Name + " " + strings.Join(scopes, ",") + " sha256:" + hex.EncodeToString(t.Digest[:])
}

// ParseTokens reads tokens, one line each as [Token.Line] writes it. Blank lines and
// those that begin with # are passed over. The error names the line and never what
// stands for the digest, where people may have put the token itself.
func ParseTokens(text string) ([]Token, error) {
	var tokens []Token
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		t, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if slices.ContainsFunc(tokens, func(o Token) bool { return o.Digest == t.Digest }) {
			return nil, fmt.Errorf("line %d: the digest is listed twice", i+1)
		}
		tokens = append(tokens, t)
	}
	return tokens, nil
}

func parseLine(line string) (Token, error) {
	parts := strings.Fields(line)
	if len(parts) != 3 {
		return Token{}, errors.New("want three parts: name, comma-separated scopes, and sha256:digest")
	}
	t := Token{Name: parts[0]}
	for s := range strings.SplitSeq(parts[1], ",") {
		t.Scopes = append(t.Scopes, Scope(s))
	}
	if err := t.check(); err != nil {
		return Token{}, err
	}
	digits, ok := strings.CutPrefix(parts[2], "sha256:")
	digest, err := hex.DecodeString(digits)
	if !ok || err != nil || len(digest) != sha256.Size {
		return Token{}, errors.New("the third part is not sha256: and 64 hexadecimal digits")
	}
	if t.Digest = [sha256.Size]byte(digest); t.Digest == sha256.Sum256(nil) {
		return Token{}, errors.New("the digest is that of an empty token")
	}
	return t, nil
}

// find returns the token that the caller presented. It always compares with every
// token, and in constant time, so that the time of a refusal tells nothing about a
// digest.
func find(tokens []Token, presented string) (found Token, ok bool) {
	digest := sha256.Sum256([]byte(presented))
	at := -1
	for i := range tokens {
		if subtle.ConstantTimeCompare(tokens[i].Digest[:], digest[:]) == 1 {
			at = i
		}
	}
	if at < 0 {
		return Token{}, false
	}
	return tokens[at], true
}
