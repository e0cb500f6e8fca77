package batch

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// wrote is a commit of Flux that gave a file of a pin a value.
func wrote(hash, file string, key Key, value string) Commit {
	return Commit{Hash: hash, Message: fmt.Sprintf("Upgrade 1 version\n\n%sb1\n%s%q \"App a\"\n%s%s:%s:tag \"1.0.0\" -> %q\n",
		batchTrailer, fileTrailer, file, changeTrailer, key.Namespace, key.Name, value)}
}

// endedProposal is a pin whose proposal was merged, refused or withdrawn.
func endedProposal(p *Pin) {
	toBranch(p)
	p.Memory.Wanted, p.Memory.Proposal.Commit = "1.1.0", "c1"
}

func TestJudge(t *testing.T) {
	const free, strange, old, others, gone = "", "has nothing that was proposed", "began so long ago", "not proposed (README.md)", "superfluous"
	human, flux := Commit{Hash: "h1", Message: "Fix a typo"}, wrote("c1", "a.yaml", key("a"), "1.1.0")
	rebased := wrote("r1", "a.yaml", key("a"), "1.1.0")
	for name, tc := range map[string]struct {
		pin    func(*Pin)
		pushed string
		apart  Apart
		want   string
	}{
		"a branch of a human":                       {pin: toBranch, apart: Apart{Head: human, Commits: []Commit{human}, Known: true}, want: strange},
		"a human's, and it is behind":               {pin: toBranch, apart: Apart{Head: human, Commits: []Commit{human}, Known: true, Behind: true}, want: strange},
		"a human's that is like the other branch":   {pin: toBranch, apart: Apart{Head: human, Known: true}, want: strange},
		"a human's that is merged":                  {pin: toBranch, apart: Apart{Head: human, Known: true, Behind: true}, want: strange},
		"a human's from where ours was merged":      {pin: endedProposal, apart: Apart{Head: human, Known: true, Behind: true}, want: strange},
		"what Flux wrote":                           {pin: endedProposal, apart: Apart{Head: flux, Commits: []Commit{flux}, Known: true}},
		"what Flux wrote, and it is behind":         {pin: endedProposal, apart: Apart{Head: flux, Commits: []Commit{flux}, Known: true, Behind: true}, want: gone},
		"merged":                                    {pin: endedProposal, apart: Apart{Head: flux, Known: true, Behind: true}, want: gone},
		"merged the other way, too":                 {pin: endedProposal, apart: Apart{Head: Commit{Hash: "m", Parents: []string{"c1", "h"}}, Known: true, Behind: true}, want: gone},
		"rebased":                                   {pin: endedProposal, apart: Apart{Head: rebased, Commits: []Commit{rebased}, Known: true}},
		"rebased, and behind":                       {pin: endedProposal, apart: Apart{Head: rebased, Commits: []Commit{rebased}, Known: true, Behind: true}, want: gone},
		"a human's commit on top":                   {pin: endedProposal, apart: Apart{Head: human, Commits: []Commit{human, flux}, Known: true}},
		"a human's commit on top, and it is behind": {pin: endedProposal, apart: Apart{Head: human, Commits: []Commit{human, flux}, Known: true, Behind: true, Others: []string{"README.md"}}, want: others},
		"amended, and it is behind":                 {pin: endedProposal, apart: Apart{Head: rebased, Commits: []Commit{rebased}, Known: true, Behind: true, Others: []string{"README.md"}}, want: others},
		"a proposal stands, and it is behind":       {pin: proposed, pushed: "1.1.0", apart: Apart{Head: rebased, Commits: []Commit{rebased}, Known: true, Behind: true}},
		"reworded, and a proposal stands":           {pin: proposed, pushed: "1.1.0", apart: Apart{Head: human, Commits: []Commit{human}, Known: true}},
		"replaced by a human's":                     {pin: proposed, pushed: "1.0.0", apart: Apart{Head: human, Commits: []Commit{human}, Known: true}, want: strange},
		"another cluster's": {
			pin: toBranch, apart: Apart{Head: flux, Commits: []Commit{wrote("x", "clusters/b/a.yaml", Key{"org", "pin.app.b"}, "1.1.0")}, Known: true}, want: strange,
		},
		"another cluster's of the same name": {
			pin: toBranch, apart: Apart{Head: flux, Commits: []Commit{wrote("x", "clusters/b.yaml", key("a"), "1.1.0")}, Known: true}, want: strange,
		},
		"it began long ago":                   {pin: endedProposal, apart: Apart{Head: flux, Commits: []Commit{flux}, Behind: true}, want: old},
		"it began long ago, and is a human's": {pin: toBranch, apart: Apart{Head: human, Commits: []Commit{human}, Behind: true}, want: strange},
	} {
		t.Run(name, func(t *testing.T) {
			p := placed("a", tc.pin)
			tc.apart.Branch = upgrades
			got := Judge([]Pin{p}, map[Key]Line{p.Key: lines(p, "1.0.0", tc.pushed)}, tc.apart)
			if got.Superfluous != (tc.want == gone) {
				t.Errorf("Judge() = %+v", got)
			}
			if barred := tc.want != free && tc.want != gone; barred != (got.Barred != "") || barred && !strings.Contains(got.Barred, tc.want) {
				t.Errorf("Judge() = %+v, want %q", got, tc.want)
			}
			if got.Barred != "" && !strings.Contains(got.Barred, "delete it") {
				t.Errorf("it does not say what to do: %s", got.Barred)
			}
		})
	}
}

// Values on a push branch are ours if Flux wrote them for the pin of that file, and the branch says so or the pin remembers it.
func TestOurs(t *testing.T) {
	pins := []Pin{placed("a", endedProposal), placed("b", toBranch), placed("c", proposed, func(p *Pin) { p.Memory.Proposal.Branch = "next" })}
	is := Ours(pins, Apart{Branch: upgrades, Commits: []Commit{wrote("c2", "b.yaml", key("b"), "1.3.0"), wrote("c3", "x/a.yaml", key("a"), "1.4.0")}})
	for name, tc := range map[string]struct {
		file  string
		key   Key
		value string
		want  bool
	}{
		"remembered":                       {"a.yaml", key("a"), "1.1.0", true},
		"that of the checkout branch":      {"a.yaml", key("a"), "1.0.0", true},
		"a human's":                        {"a.yaml", key("a"), "1.0.5", false},
		"nothing":                          {"a.yaml", key("a"), "", false},
		"a copy of the marker":             {"other/a.yaml", key("a"), "1.1.0", false},
		"a commit says so":                 {"b.yaml", key("b"), "1.3.0", true},
		"a commit says so of another file": {"a.yaml", key("a"), "1.4.0", false},
		"of another push branch":           {"c.yaml", key("c"), "1.1.0", false},
		"of somebody else":                 {"a.yaml", key("x"), "1.1.0", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := is(tc.file, tc.key, tc.value); got != tc.want {
				t.Errorf("Ours() = %v", got)
			}
		})
	}
}

// A branch that may not be written bars every pin of the batch.
func TestBarredBranch(t *testing.T) {
	p := placed("a", proposed)
	line := lines(p, "1.0.0", "1.1.0")
	line.Barred = "branch upgrades cannot be deleted: the server says no"
	reading := Reading{Lines: map[Key]Line{p.Key: line}}
	m := Stale(noon, []Pin{p}, reading)[p.Key]
	if diff := cmp.Diff(&pin.Finding{Reason: reasonStaleBranch, Message: line.Barred}, m.Finding); diff != "" {
		t.Errorf("the finding (-want +got):\n%s", diff)
	}
	first := m.RetryAt
	p.Memory = m
	if again := Stale(noon, []Pin{p}, reading)[p.Key]; again.RetryAt <= first || *again.Finding != *m.Finding {
		t.Errorf("it is tried again at %s, and then at %s with %+v", first, again.RetryAt, again.Finding)
	}
}

func TestMade(t *testing.T) {
	ours := placed("a", proposed, func(p *Pin) { p.Memory.Proposal.Commit = "c1" })
	elsewhere := placed("b", proposed, func(p *Pin) { p.Memory.Proposal.Branch, p.Memory.Proposal.Commit = "next", "c2" })
	if diff := cmp.Diff(map[string]bool{"c1": true}, Made([]Pin{ours, elsewhere, placed("c", toBranch)}, upgrades)); diff != "" {
		t.Errorf("Made() (-want +got):\n%s", diff)
	}
}
