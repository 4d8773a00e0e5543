// Package openapi holds the adapter's OpenAPI document against the running
// handler: a validator library checks the document, and each request and answer
// of a walk through the routes.
package openapi
