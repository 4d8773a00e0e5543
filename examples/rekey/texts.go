package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/seed-16109ab2/rekey/httpadapter"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/sms"
)

// textsFile names a file of texts.
type textsFile struct{ path string }

func (t *textsFile) flag(f *flags) {
	f.StringVar(&t.path, "texts-file", "", "`FILE` of texts that add languages or replace the shipped ones, JSON: "+
		`{"sms": {"de": {"Code": {"": "…{code}…"}, "PasswordChanged": "…"}}, "errors": {"de": {"SDK.SMS.1005": "…"}}}; default none`)
}

// texts is the form of -texts-file.
type texts struct {
	SMS    identity.Texts       `json:"sms"`
	Errors httpadapter.Messages `json:"errors"`
}

func (t *textsFile) read() (identity.Texts, httpadapter.Messages, error) {
	read := texts{SMS: identity.DefaultTexts()}
	if t.path == "" {
		return read.SMS, nil, nil
	}
	text, err := os.ReadFile(t.path)
	if err != nil {
		return nil, nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields() // a name spelt wrong would be a text that is missing
	if err := decoder.Decode(&read); err != nil {
		return nil, nil, usagef("-texts-file %s: %w", t.path, err)
	}
	return read.SMS, read.Errors, nil
}

// textsCommand tells what an SMS costs before it does.
func textsCommand(f *flags) action {
	var c identity.Config
	var file textsFile
	file.flag(f)
	configFlags(f, &c)
	return func(_ context.Context, std streams) (err error) {
		if c.Texts, _, err = file.read(); err != nil {
			return err
		}
		if err := checkSettings(c); err != nil {
			return err
		}
		c.Store, c.SMS, c.Secret = struct{ identity.Storage }{}, noSender{}, identity.NewSecret(strings.Repeat("0", minSecret))
		service, err := identity.New(c)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(table, "language\tmessage\tpurpose\tsegments\tunits\tencoding")
		for _, l := range service.TextLengths() {
			purpose := string(l.Purpose)
			switch {
			case l.Kind != sms.KindVerifyCode:
				purpose = "-"
			case purpose == "":
				purpose = "others"
			}
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\n", l.Language, l.Kind, purpose, l.Length.Segments, l.Length.Units, l.Length.Encoding)
		}
		return table.Flush()
	}
}
