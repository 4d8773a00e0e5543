package server

import (
	"bytes"
	"encoding/json"
	"os"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/httpadapter/resetpage"
	"github.com/seed-16109ab2/rekey/identity"
)

// TextsFile names a file of texts.
type TextsFile struct{ path string }

// Flag defines -texts-file.
func (t *TextsFile) Flag(f *settings.Set) {
	f.Text(&t.path, "texts-file", "`FILE` of texts that add languages or replace the shipped ones, JSON: "+
		`{"sms": {"de": {"Code": {"": "…{code}…"}, "PasswordChanged": "…"}}, "errors": {"de": {"SDK.SMS.1005": "…"}}, "page": {"de": {"number.title": "…"}}}; default none`)
}

// Texts is the content of the file of -texts-file.
type Texts struct {
	SMS    identity.Texts       `json:"sms"`
	Errors httpadapter.Messages `json:"errors"`
	Page   resetpage.Texts      `json:"page"`
}

// Read returns the texts of the file, and the shipped SMS texts.
func (t *TextsFile) Read() (Texts, error) {
	read := Texts{SMS: identity.DefaultTexts()}
	if t.path == "" {
		return read, nil
	}
	text, err := os.ReadFile(t.path)
	if err != nil {
		return read, err
	}
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	decoder.DisallowUnknownFields() // otherwise a misspelt name would count as a missing text
	if err := decoder.Decode(&read); err != nil {
		return read, settings.Usagef("-texts-file %s: %w", t.path, err)
	}
	return read, nil
}
