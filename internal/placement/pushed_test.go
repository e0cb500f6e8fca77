package placement

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// pushing is a pin whose 1.1.0 stands on a push branch, as far as is remembered.
func pushing(p *Pin) {
	p.Push = "upgrades"
	p.Memory = placedAt("mc/a.yaml", "1.1.0")
	p.Memory.Proposal = pin.Proposal{Branch: "upgrades", Checkout: "1.0.0", Tag: "1.1.0"}
}

func TestMakeReadsBothBranches(t *testing.T) {
	for name, tc := range map[string]struct {
		checkout string
		pushed   *batch.Line
		git      string
		proposal pin.Proposal
	}{
		"stands": {
			checkout: "1.0.0", pushed: &batch.Line{File: "mc/a.yaml", Line: 8, Value: "1.1.0"},
			git: "1.1.0", proposal: pin.Proposal{Branch: "upgrades", Checkout: "1.0.0", Tag: "1.1.0"},
		},
		"merged": {
			checkout: "1.1.0", pushed: &batch.Line{File: "mc/a.yaml", Line: 8, Value: "1.1.0"},
			git: "1.1.0", proposal: pin.Proposal{Branch: "upgrades", Checkout: "1.1.0"},
		},
		"refused": {checkout: "1.0.0", git: "1.0.0", proposal: pin.Proposal{Branch: "upgrades", Checkout: "1.0.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := mapFS(map[string]string{"mc/a.yaml": app("a", with(tc.checkout, "a"))})
			p := pinOf("a", pushing, func(p *Pin) { p.Pushed = tc.pushed })
			plan, err := Make(fsys, "r1", []Pin{p}, map[batch.Key]string{p.Key: p.Policy}, nil, nil)
			if err != nil || len(plan.Files) > 0 {
				t.Fatalf("Make() = %+v, %v", plan, err)
			}
			m := plan.Memories[p.Key]
			if diff := cmp.Diff(tc.proposal, m.Proposal); diff != "" || m.Git != tc.git || !m.Marked {
				t.Errorf("the memory is %+v (-want +got):\n%s", m, diff)
			}
		})
	}
}

func TestUnplaced(t *testing.T) {
	fsys := mapFS(map[string]string{"mc/a.yaml": app("a", "1.0.0"), "mc/b.yaml": app("b", with("1.0.0", "b"))})
	unmarked, marked := pinOf("a"), pinOf("b")
	marked.Memory = placedAt("mc/b.yaml", "1.0.0")
	plan, err := Make(fsys, "r1", []Pin{unmarked, marked}, map[batch.Key]string{unmarked.Key: "org/one", marked.Key: "org/one"}, nil, nil)
	if err != nil || len(plan.Placed) != 1 {
		t.Fatalf("Make() = %+v, %v", plan, err)
	}
	waits := Unplaced(unmarked, plan.Memories[unmarked.Key], "main-markers", "main")
	if waits.Marked || waits.Finding == nil || waits.Finding.Reason != v1alpha1.AwaitingMergeReason || !strings.Contains(waits.Finding.Message, "merge main-markers") {
		t.Errorf("the memory is %+v, %+v", waits, waits.Finding)
	}
	refused := plan.Memories[marked.Key]
	refused.Marked, refused.Finding = false, &pin.Finding{Reason: v1alpha1.LineSharedReason}
	if stays := Unplaced(marked, refused, "main-markers", "main"); !stays.Marked || stays.Finding.Reason != v1alpha1.LineSharedReason {
		t.Errorf("the marker that was not removed is forgotten: %+v", stays)
	}
	if stands := Unplaced(marked, plan.Memories[marked.Key], "main-markers", "main"); !stands.Marked || stands.Finding != nil {
		t.Errorf("the memory is %+v", stands)
	}
}

// Where the marker of a pin that leaves stands is told, so that it can be removed elsewhere if it cannot be here.
func TestMakeTellsWhoseMarkersAreRemoved(t *testing.T) {
	fsys := mapFS(map[string]string{"mc/a.yaml": app("a", with("1.0.0", "a")), "mc/b.yaml": app("b", "1.0.0"), "mc/c.yaml": app("c", with("1.0.0", "c"))})
	pins := []Pin{
		pinOf("a", leaving, remembering(placedAt("mc/a.yaml", "1.0.0"))), pinOf("b", leaving, remembering(placedAt("mc/b.yaml", "1.0.0"))),
		pinOf("c", leaving, later, remembering(placedAt("mc/c.yaml", "1.0.0"))),
	}
	plan, err := Make(fsys, "r1", pins, known(pins), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[batch.Key]string{pins[0].Key: "mc/a.yaml:8"}, plan.Unmarked); diff != "" {
		t.Errorf("Unmarked (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]batch.Key{pins[0].Key, pins[1].Key}, plan.Gone); diff != "" {
		t.Errorf("Gone (-want +got):\n%s", diff)
	}
	finding := Unremoved("mc/a.yaml:8", "main-markers", "main")
	if finding.Reason != v1alpha1.AwaitingMergeReason || !strings.Contains(finding.Message, "merge main-markers, which removes the one at mc/a.yaml:8") {
		t.Errorf("the finding is %+v", finding)
	}
}
