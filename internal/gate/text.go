package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// maxNamed is how many of several a message names.
const maxNamed = 5

// list joins the first texts and says how many more there are.
func list(texts []string, separator string) string {
	if len(texts) <= maxNamed {
		return strings.Join(texts, separator)
	}
	return fmt.Sprintf("%s%sand %d more", strings.Join(texts[:maxNamed], separator), separator, len(texts)-maxNamed)
}

// among says whether one of the tags is this one.
func among(tags []string, tag string) bool {
	return slices.Contains(tags, tag) || slices.ContainsFunc(tags, func(t string) bool { return versions.Same(t, tag) })
}

// mover is who moves, at the start of a message.
func mover(wave string) string {
	if wave == "" {
		return "The policy"
	}
	return "Wave " + wave
}

// upcoming is a time if it is still to come; else zero, which is not known.
func (in WaveInput) upcoming(at time.Time) time.Time {
	if !at.After(in.Now) {
		return time.Time{}
	}
	return at
}

// written is an absolute time, so that messages are stable.
func written(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// span is a duration as one writes it: 48h for 48h0m0s.
func span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// approval is what a human does to approve a version, to copy.
func (in TargetInput) approval() string {
	version := in.Version
	if in.Wave != "" {
		version = in.Wave + "=" + in.Version
	}
	return fmt.Sprintf("set the annotation %s: %q", v1alpha1.ApproveAnnotation, version)
}
