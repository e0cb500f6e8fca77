package status

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/internal/message"
)

const (
	// maxMessage bounds a message that others wrote, in bytes: 200 targets with a finding and a note then need
	// 400 KiB of status at most.
	maxMessage = 1024
	// maxNamed is how many of many things a message names.
	maxNamed = 3
)

// bounded is a text of at most maxMessage bytes.
func bounded(text string) string { return message.Bounded(text, maxMessage) }

// enumerate names the first things and counts the others.
func enumerate(things []string, separator string) string {
	return enumerateOf(len(things), separator, func(i int) string { return things[i] })
}

// enumerateOf is enumerate for things that are put into words only if they are named.
func enumerateOf(count int, separator string, thing func(int) string) string {
	var named []string
	for i := range min(count, maxNamed) {
		named = append(named, thing(i))
	}
	text := strings.Join(named, separator)
	if count > maxNamed {
		text += fmt.Sprintf(" and %d more", count-maxNamed)
	}
	return text
}

// stored is a time as exact as the API keeps it.
func stored(at time.Time) metav1.Time { return metav1.NewTime(at.UTC().Truncate(time.Second)) }

// known is a stored time, or nil if there is none.
func known(at time.Time) *metav1.Time {
	if at.IsZero() {
		return nil
	}
	moment := stored(at)
	return &moment
}
