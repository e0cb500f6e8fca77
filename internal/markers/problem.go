package markers

import (
	"fmt"

	"github.com/giantswarm/app-upgrade-operator/internal/message"
)

// Reasons of a Problem.
const (
	// NotFound: no file below the source sets the target's version.
	NotFound = "NotFound"
	// Ambiguous: several places set it and the user must say which.
	Ambiguous = "Ambiguous"
	// NotMarkable: Flux would ignore a marker there, or damage the file.
	NotMarkable = "NotMarkable"
	// Substituted: the version comes from a postBuild variable, and no line of
	// the repository sets that alone.
	Substituted = "Substituted"
	// ForeignMarker: somebody else's marker or comment stands on the line, or a
	// marker on the line above.
	ForeignMarker = "ForeignMarker"
	// MarkerMissing: no line of the file carries the marker.
	MarkerMissing = "MarkerMissing"
	// MarkerCopied: several lines of the file carry the marker.
	MarkerCopied = "MarkerCopied"
	// TooLarge: a file or tree exceeds the bounds of this package.
	TooLarge = "TooLarge"
	// OutsideRepository: a path or link leads out of the repository.
	OutsideRepository = "OutsideRepository"
	// Unreadable: a file that the source needs is missing or cannot be parsed.
	Unreadable = "Unreadable"
)

// Problem is an expected outcome that a user can fix. It is returned as an
// error; find it with errors.As.
type Problem struct { //nolint:errname // the word that users and the design have for it
	// Reason is one of the constants of this package.
	Reason string
	// File and Line say where; empty and 0 if there is no such place.
	File string
	Line int
	// Message says what is wrong, where, and what to do next. It does not
	// change while the repository does not.
	Message string
}

// orNil is nil for a nil Problem, which as an error would be one.
func (p *Problem) orNil() error {
	if p == nil {
		return nil
	}
	return p
}

// Error returns the message.
func (p *Problem) Error() string { return p.Message }

// prose is a text for messages that is fit for them already.
type prose string

// problem builds a Problem; its message starts with the place.
func problem(reason, file string, line int, format string, args ...any) *Problem {
	for i, arg := range args {
		switch arg.(type) {
		case string, error, fmt.Stringer:
			args[i] = brief(fmt.Sprint(arg))
		}
	}
	text, at := fmt.Sprintf(format, args...), brief(file)
	switch {
	case file != "" && line > 0:
		text = fmt.Sprintf("%s:%d: %s", at, line, text)
	case file != "":
		text = at + ": " + text
	}
	return &Problem{Reason: reason, File: file, Line: line, Message: text}
}

func brief(text string) string { return message.Brief(text) }
