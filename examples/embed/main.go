// Command embed shows how few lines add Rekey to your own server.
//
//	REKEY_SECRET=… go run ./examples/embed
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms/console"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

func main() {
	mux := http.NewServeMux() // your own
	if err := embed(context.Background(), mux, "rekey.db", os.Getenv("REKEY_SECRET")); err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", mux))
}

func embed(ctx context.Context, mux *http.ServeMux, path, secret string) error {
	store, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	svc, err := identity.New(identity.Config{
		Store:  store,
		SMS:    console.New(os.Stdout), // or a provider, or your own sender
		Secret: identity.NewSecret(secret),
	})
	if err != nil {
		return err
	}
	err = svc.EnsureClient(ctx, identity.Client{ID: "DRrYIqauawN0I8myTMoDTPys6ezGZxnm"}) // sent as X-client-id
	if err != nil {
		return err
	}
	go svc.Run(ctx) // delivers messages until ctx ends
	routes, err := httpadapter.New(svc, httpadapter.Options{})
	if err != nil {
		return err
	}
	mux.Handle("/api/v2/sdk/", routes)
	return nil
}
