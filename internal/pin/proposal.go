package pin

import (
	"maps"
	"slices"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// Push is how versions are pushed. The zero value means to the checkout branch, without options.
type Push struct {
	// Branch that humans merge; empty: the checkout branch.
	Branch string `json:"branch,omitempty"`
	// Options for the Git server.
	Options PushOptions `json:"options,omitempty"`
}

// PushOptions are `key=value`, one a line, in the order of the keys: so that two can be compared. Keys have no `=`, values no line
// break.
type PushOptions string

// OptionsOf are options as they are compared.
func OptionsOf(options map[string]string) PushOptions {
	lines := make([]string, 0, len(options))
	for _, key := range slices.Sorted(maps.Keys(options)) {
		lines = append(lines, key+"="+options[key])
	}
	return PushOptions(strings.Join(lines, "\n"))
}

// Map is the options by their keys; nil: none.
func (o PushOptions) Map() map[string]string {
	if o == "" {
		return nil
	}
	options := map[string]string{}
	for line := range strings.SplitSeq(string(o), "\n") {
		key, value, _ := strings.Cut(line, "=")
		options[key] = value
	}
	return options
}

// Proposal is what is remembered of a push branch that humans merge.
type Proposal struct {
	// Branch is the push branch that was read; empty: versions are pushed to the checkout branch.
	Branch string `json:"branch,omitempty"`
	// Checkout is the text of the version that the checkout branch has.
	Checkout string `json:"checkout,omitempty"`
	// Commit is the last one in which a batch wrote this location on the push branch.
	Commit string `json:"commit,omitempty"`
	// Tag was proposed on the push branch, stands there, and is not merged; empty: none.
	Tag string `json:"tag,omitempty"`
}

// AtRest is the text of the version that the pin selects while nothing moves it: that of the checkout branch. What is only proposed
// is for a human to merge, so nobody else may find it selected. Empty: it is not known.
func (m Memory) AtRest() string {
	if m.Proposal.Branch == "" {
		return m.Git
	}
	return m.Proposal.Checkout
}

// OnCheckout is a memory as it is about the checkout branch: what is only proposed was not written yet. What was proposed, and is neither
// there any more nor merged, was written and taken back by a human.
func (m Memory) OnCheckout() Memory {
	if m.Proposal.Branch == "" {
		return m
	}
	m.Git, m.From = m.Proposal.Checkout, "" // From may be an older proposal
	if m.Proposal.Tag != "" && !versions.Same(m.Wanted, m.Git) {
		m.Commit = ""
	}
	return m
}
