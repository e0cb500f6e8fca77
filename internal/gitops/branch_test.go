package gitops

import (
	"testing"
)

func TestDeleteBranch(t *testing.T) {
	for name, tc := range map[string]struct {
		moved bool
		hook  string
		want  bool
		err   Reason
	}{
		"deleted": {want: true},
		"moved":   {moved: true},
		"refused": {hook: "exit 1", err: ReasonPushRejected},
	} {
		t.Run(name, func(t *testing.T) {
			s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
			s.bare("branch", "upgrades", "main")
			c := newTestClient(t, Options{})
			remote := s.remote().On("upgrades")
			checkout, err := c.Clone(t.Context(), remote)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = checkout.Close() }()
			if tc.moved {
				s.commit("Another", map[string]string{"a.yaml": "a: 2\n"})
				s.bare("branch", "-f", "upgrades", "main")
			}
			if tc.hook != "" {
				s.hook("pre-receive", tc.hook)
			}
			deleted, err := c.DeleteBranch(t.Context(), remote, checkout)
			if deleted != tc.want || ReasonOf(err) != tc.err {
				t.Errorf("DeleteBranch() = %v, %v", deleted, err)
			}
			if gone := s.bare("branch", "--list", "upgrades") == ""; gone != tc.want {
				t.Errorf("the branch is gone: %v, want %v", gone, tc.want)
			}
		})
	}
}
