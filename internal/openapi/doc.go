// Package openapi compares the adapter's OpenAPI document with the running handler: a
// validator library checks the document, and each request and answer of a walk through the
// routes.
package openapi
