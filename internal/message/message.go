// Package message makes what others wrote fit for conditions, events and findings.
package message

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxBrief bounds what a message quotes of a repository's own text, in bytes.
	MaxBrief = 300
	ellipsis = "…"
)

// Bounded is a text of at most that many bytes, of which the last are an ellipsis if something is left out.
func Bounded(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:max(0, most-len(ellipsis))], "") + ellipsis
}

// Brief makes what stands in a repository fit for a message: at most some 300 bytes, on one line, with nothing that a terminal
// would act on or that shows nothing.
func Brief(text string) string {
	if len(text) > MaxBrief {
		text = text[:MaxBrief] + ellipsis
	}
	return printable(text)
}

// Line is prose of others on one line, without characters that a terminal would act on or that show nothing.
func Line(text string) string { return printable(strings.Join(strings.Fields(text), " ")) }

func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, text)
}

// Place names a line of a file as editors do, the file fit for a message. Without a line it is the file.
func Place(file string, line int) string {
	if line == 0 {
		return Brief(file)
	}
	return fmt.Sprintf("%s:%d", Brief(file), line)
}
