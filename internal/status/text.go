package status

import (
	"fmt"
	"strings"
)

const (
	// maxMessage bounds a message that others wrote, in bytes: 200 targets then need 200 KiB of status at most.
	maxMessage = 1024
	// maxNamed is how many of many things a message names.
	maxNamed = 3
)

// bounded is a text of at most maxMessage bytes.
func bounded(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	const ellipsis = "…"
	return strings.ToValidUTF8(text[:maxMessage-len(ellipsis)], "") + ellipsis
}

// enumerate names the first things and counts the others.
func enumerate(things []string, separator string) string {
	if len(things) <= maxNamed {
		return strings.Join(things, separator)
	}
	return fmt.Sprintf("%s and %d more", strings.Join(things[:maxNamed], separator), len(things)-maxNamed)
}
