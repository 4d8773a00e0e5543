package command

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/database"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
)

// page is how many rows are read at a time.
const page = 500

// row is one line of a command's output.
type row interface {
	// cells returns the row's cells in a table, in the order of the column heads.
	cells() []string
}

// format is the format of the output.
type format struct{ name string }

func (o *format) flag(f *settings.Set) {
	o.name = "json"
	f.Word(&o.name, "format", "`FORMAT` of the output: json, an object on each line, or table")
}

func (o *format) check() error {
	if o.name != "json" && o.name != "table" {
		return settings.Usagef("-format is %q, must be json or table", o.name)
	}
	return nil
}

// printer returns a function that prints a page of rows. The heads are those of a
// table's columns.
func (o *format) printer(w io.Writer, heads ...string) func([]row) error {
	if o.name == "table" {
		return tablePrinter(w, heads)
	}
	return func(rows []row) error { return printJSON(w, rows) }
}

// printJSON prints rows as JSON lines.
func printJSON[T any](w io.Writer, rows []T) error {
	out := bufio.NewWriter(w)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for _, r := range rows {
		if err := encoder.Encode(r); err != nil {
			return err
		}
	}
	return out.Flush()
}

// tablePrinter aligns the columns of one page at a time, with the heads above the
// first one.
func tablePrinter(w io.Writer, heads []string) func([]row) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(cells []string) {
		for i, cell := range cells {
			cells[i] = strings.Map(printable, cell)
		}
		_, _ = fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	return func(rows []row) error {
		if heads != nil {
			line(heads)
			heads = nil
		}
		for _, r := range rows {
			line(r.cells())
		}
		return table.Flush()
	}
}

// printable replaces characters that could move the cursor of a terminal.
func printable(r rune) rune {
	if !unicode.IsPrint(r) {
		return '?'
	}
	return r
}

// timeCell formats a time for a table; "-" for none.
func timeCell(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateTime) + "Z"
}

// yesNo formats a condition for a table.
func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// onStore runs do on the store of an existing database. It needs no secret, so a person
// may be allowed to read users or the trail without being able to read codes.
func onStore(ctx context.Context, d *database.Database, do func(database.Store) error) error {
	store, err := d.OpenExisting(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(store), store.DB().Close())
}

// eachPage reads page after page, beginning after an id, and prints each.
func eachPage[T any](after string, next func(after string) (rows []T, last string, err error), print func([]T) error) error {
	for {
		rows, last, err := next(after)
		if err != nil {
			return err
		}
		if err := print(rows); err != nil {
			return err
		}
		if len(rows) == 0 { // a page may be short before the last one
			return nil
		}
		after = last
	}
}
