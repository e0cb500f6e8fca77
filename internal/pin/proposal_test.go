package pin

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOnCheckout(t *testing.T) {
	for name, tc := range map[string]struct{ memory, want Memory }{
		"no push branch": {
			memory: Memory{Git: "1.1.0", From: "1.0.0", Wanted: "1.1.0", Commit: "c"},
			want:   Memory{Git: "1.1.0", From: "1.0.0", Wanted: "1.1.0", Commit: "c"},
		},
		"proposed": {
			memory: Memory{Git: "1.1.0", From: "1.0.0", Wanted: "1.1.0", Commit: "c", Proposal: Proposal{Branch: "b", Checkout: "1.0.0", Tag: "1.1.0"}},
			want:   Memory{Git: "1.0.0", Wanted: "1.1.0", Proposal: Proposal{Branch: "b", Checkout: "1.0.0", Tag: "1.1.0"}},
		},
		"refused": {
			memory: Memory{Git: "1.0.0", From: "1.0.0", Wanted: "1.1.0", Commit: "c", Proposal: Proposal{Branch: "b", Checkout: "1.0.0"}},
			want:   Memory{Git: "1.0.0", Wanted: "1.1.0", Commit: "c", Proposal: Proposal{Branch: "b", Checkout: "1.0.0"}},
		},
		"merged": {
			memory: Memory{Git: "v1.1.0", From: "1.0.0", Wanted: "1.1.0", Commit: "c", Proposal: Proposal{Branch: "b", Checkout: "v1.1.0"}},
			want:   Memory{Git: "v1.1.0", Wanted: "1.1.0", Commit: "c", Proposal: Proposal{Branch: "b", Checkout: "v1.1.0"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.memory.OnCheckout()); diff != "" {
				t.Errorf("OnCheckout() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPushOptions(t *testing.T) {
	for name, options := range map[string]map[string]string{
		"none": nil, "one": {"ci.skip": ""}, "several": {"b": "x=y", "a": "1", "c": ""},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(options, OptionsOf(options).Map()); diff != "" {
				t.Errorf("Map() (-want +got):\n%s", diff)
			}
		})
	}
	if got := OptionsOf(map[string]string{"b": "2", "a": "1"}); got != "a=1\nb=2" {
		t.Errorf("OptionsOf() = %q", got)
	}
}

// What is only proposed is not selected while nothing moves the pin.
func TestAtRest(t *testing.T) {
	for name, tc := range map[string]struct {
		memory Memory
		want   string
	}{
		"no push branch": {Memory{Git: "1.1.0"}, "1.1.0"},
		"proposed":       {Memory{Git: "1.1.0", Proposal: Proposal{Branch: "b", Checkout: "1.0.0", Tag: "1.1.0"}}, "1.0.0"},
		"merged":         {Memory{Git: "1.1.0", Proposal: Proposal{Branch: "b", Checkout: "1.1.0"}}, "1.1.0"},
		"nothing read":   {Memory{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.memory.AtRest(); got != tc.want {
				t.Errorf("AtRest() = %q, want %q", got, tc.want)
			}
		})
	}
}
