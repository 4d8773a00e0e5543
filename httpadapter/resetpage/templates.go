package resetpage

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"text/template/parse"

	// The code of html/template, but without calls of methods by name. A program that can
	// make such calls keeps every exported method of every type: 4.6 MB of the single binary.
	engine "github.com/DataDog/datadog-agent/pkg/template/html"
)

type templateSet = engine.Template

//go:embed templates/*.html
var shippedTemplates embed.FS

// newTemplates adds the application's templates to the shipped ones. The error joins all
// faults. Only the parsed trees of custom are used: it is never executed.
func newTemplates(custom *template.Template) (*templateSet, error) {
	t, err := engine.ParseFS(shippedTemplates, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("resetpage: parse templates: %w", err)
	}
	if custom == nil {
		return t, nil
	}
	var errs []error
	inOrder := func(a, b *template.Template) int { return cmp.Compare(a.Name(), b.Name()) }
	for _, c := range slices.SortedFunc(slices.Values(custom.Templates()), inOrder) {
		if c.Tree == nil {
			continue
		}
		errs = append(errs, checkCalls(c)...)
		if _, err := t.AddParseTree(c.Name(), c.Tree.Copy()); err != nil { // Copy: rendering rewrites it
			errs = append(errs, fmt.Errorf("resetpage: Config.Templates: %s: %w", c.Name(), err))
		}
	}
	return t, errors.Join(errs...)
}

// checkCalls finds the functions of [Page] that a template uses without "call", such as
// {{.Text "code.title"}}. Such a use would fail only when it is reached, or print the
// function's address.
func checkCalls(t *template.Template) (errs []error) {
	eachPipe(t.Tree.Root, func(pipe *parse.PipeNode) {
		for _, c := range pipe.Cmds {
			for i, arg := range c.Args {
				if !isFunction(arg) || i == 1 && c.Args[0].String() == "call" {
					continue
				}
				wrong, right := c.String(), "call "+c.String()
				if i > 0 {
					wrong, right = arg.String(), "(call "+arg.String()+")"
				}
				where, _ := t.Tree.ErrorContext(c)
				errs = append(errs, fmt.Errorf("resetpage: Config.Templates: %s: %s: %s is a function: write {{%s}}",
					t.Name(), strings.TrimPrefix(where, ":"), arg, strings.Replace(pipe.String(), wrong, right, 1)))
			}
		}
	})
	return errs
}

// isFunction reports whether a node names a function of [Page].
func isFunction(n parse.Node) bool {
	var path []string
	switch n := n.(type) {
	case *parse.FieldNode: // .Text
		path = n.Ident
	case *parse.VariableNode: // $.Text
		path = n.Ident
	case *parse.ChainNode: // (.).Text
		path = n.Field
	}
	return len(path) > 0 && slices.Contains([]string{"Text", "Rich", "Part"}, path[len(path)-1])
}

// eachPipe calls f for each pipeline of a template, those in parentheses included.
func eachPipe(n parse.Node, f func(*parse.PipeNode)) {
	branch := func(b *parse.BranchNode) {
		eachPipe(b.Pipe, f)
		eachPipe(b.List, f)
		eachPipe(b.ElseList, f)
	}
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return // no else
		}
		for _, child := range n.Nodes {
			eachPipe(child, f)
		}
	case *parse.ActionNode:
		eachPipe(n.Pipe, f)
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.TemplateNode:
		eachPipe(n.Pipe, f)
	case *parse.ChainNode:
		eachPipe(n.Node, f)
	case *parse.PipeNode:
		if n == nil {
			return // {{template "name"}}
		}
		f(n)
		for _, c := range n.Cmds {
			for _, arg := range c.Args {
				eachPipe(arg, f)
			}
		}
	}
}

// tryTemplates renders each step, so that a broken template is found at the start rather
// than by a person.
func (h *handler) tryTemplates() error {
	for _, s := range []step{stepNumber, stepCheck, stepCode, stepDone, stepNotice} {
		for _, f := range []*fault{nil, {Text: faultFailure, At: s}} {
			v := &visit{h: h, now: h.cfg.Now(), state: state{Fault: f}}
			if err := h.templates.ExecuteTemplate(io.Discard, "page", v.page(s)); err != nil {
				return fmt.Errorf("resetpage: Config.Templates: the step %s: %w", s, err)
			}
		}
	}
	return nil
}
