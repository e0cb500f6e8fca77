package placement

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// Of a pin whose push branch could not be read nothing changes, whatever the checkout branch has: what is proposed is not known, and
// so it is not taken for gone. Its line stays its own.
func TestMakeWithoutPushBranch(t *testing.T) {
	finding := &pin.Finding{Reason: "GitUnreadable", Message: "too large"}
	for name, content := range map[string]string{
		"marked": with("1.0.0", "a"), "unmarked": "1.0.0", "merged": with("1.1.0", "a"), "another's marker": with("1.0.0", "z"),
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"mc/a.yaml": app("a", content), "mc/b.yaml": app("b", "1.0.0")}
			p, other := pinOf("a", pushing), pinOf("b")
			p.Intent.Prompt = "look"
			memory := p.Memory
			memory.Finding, memory.RetryAt = finding, "later"
			p.Unread = &memory
			plan, err := Make(mapFS(files), "r1", []Pin{p, other}, map[batch.Key]string{p.Key: p.Policy, other.Key: other.Policy}, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			memory.Prompt = "look"
			if diff := cmp.Diff(memory, plan.Memories[p.Key]); diff != "" {
				t.Errorf("the memory changed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string][]byte{"mc/b.yaml": []byte(app("b", with("1.0.0", "b")))}, plan.Files); diff != "" {
				t.Errorf("Files (-want +got):\n%s", diff)
			}
		})
	}
}

// Its line is not marked for another policy.
func TestMakeSharedWithoutPushBranch(t *testing.T) {
	p, other := pinOf("a-nginx", pushing), pinOf("b-nginx", policyTwo)
	p.Unread = &pin.Memory{Finding: &pin.Finding{Reason: "GitUnreadable"}}
	plan, err := Make(mapFS(sharedBase(with("1.0.0", "a-nginx"))), "r1", []Pin{p, other}, map[batch.Key]string{p.Key: p.Policy, other.Key: other.Policy}, nil, nil)
	if err != nil || len(plan.Files) > 0 {
		t.Errorf("Make() = %+v, %v", plan, err)
	}
	if f := plan.Memories[other.Key].Finding; f == nil || f.Reason != "LineShared" {
		t.Errorf("the other one has %+v", f)
	}
}
