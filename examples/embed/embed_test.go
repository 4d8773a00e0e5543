package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
)

func Example() {
	dir, err := os.MkdirTemp("", "rekey-embed-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	mux := http.NewServeMux()
	if err := embed(ctx, mux, filepath.Join(dir, "rekey.db"), strings.Repeat("s", 32)); err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(mux)
	defer server.Close()
	request, err := http.NewRequest(http.MethodPost, server.URL+"/api/v2/sdk/sms/send", strings.NewReader(`{"mobile":"12345678901","type":"FORGET_PWD_SMS"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json;charset=utf8", "X-operating-sys-version": "Android 10", "X-device-fingerprint": "156aysdna213sac",
		"X-agent": "curl", "X-client-id": "DRrYIqauawN0I8myTMoDTPys6ezGZxnm",
	} {
		request.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	fmt.Printf("%d %q %v\n", resp.StatusCode, body, err)
	// Output: 200 "" <nil>
}
