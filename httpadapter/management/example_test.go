package management_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-16109ab2/rekey/httpadapter/management"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms/smstest"
	"github.com/seed-16109ab2/rekey/storage/memory"
)

func ExampleNew() {
	svc, err := identity.New(identity.Config{
		Store: memory.New(), SMS: &smstest.Recorder{}, Secret: identity.NewSecret(strings.Repeat("s", 32)),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Do this once: make a token, give it to the backend, and store its line in the file.
	secret, token, err := management.NewToken("backend", management.ScopeReadUsers, management.ScopeWriteUsers)
	if err != nil {
		fmt.Println(err)
		return
	}
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "tokens")
	if err := os.WriteFile(path, []byte(token.Line()+"\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	tokens, err := management.TokenFile(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	handler, err := management.New(svc, management.Config{Tokens: tokens})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(handler) // in production, a loopback address or a Unix socket
	defer server.Close()

	r, err := http.NewRequestWithContext(context.Background(), "POST", server.URL+"/v1/users",
		strings.NewReader(`{"id":"u1","mobile":"13800138000","password":"violet-Harbor-93","verified":true}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Header.Set("Authorization", "Bearer "+secret.Reveal())
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(body[:53]))
	// Output: 201 {"id":"u1","tenant":"","mobile":"+86*******8000","ver
}
