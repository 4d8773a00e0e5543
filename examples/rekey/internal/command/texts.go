package command

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/server"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/sms"
)

// textsCommand prints how many segments each text takes, which decides what an SMS costs.
func textsCommand(f *settings.Set) action {
	c := settings.Defaults()
	var file server.TextsFile
	file.Flag(f)
	f.Config(&c)
	return func(_ context.Context, std Streams) error {
		read, err := file.Read()
		if err != nil {
			return err
		}
		c.Texts = read.SMS
		if err := settings.Check(c); err != nil {
			return err
		}
		table := tabwriter.NewWriter(std.Out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(table, "language\tmessage\tpurpose\tsegments\tunits\tencoding")
		for _, l := range c.TextLengths() {
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
