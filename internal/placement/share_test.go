package placement

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSeveralWavesMessage(t *testing.T) {
	many := []Pin{pinOf("z")}
	for i := range 7 {
		many = append(many, pinOf(fmt.Sprintf("a%d", i), wave("canary")))
	}
	const says = "base/app.yaml:8 sets the version of targets of several waves (%s); " +
		"put them into one wave, or give each wave a line of its own"
	for name, tc := range map[string]struct {
		pins []Pin
		want string
	}{
		"two":  {[]Pin{pinOf("b", wave("production")), pinOf("a", wave("canary"))}, "wave canary: App a; wave production: App b"},
		"many": {many, "in no wave: App z; wave canary: App a0, App a1, App a2, App a3, App a4 and 2 more"},
	} {
		t.Run(name, func(t *testing.T) {
			claims := make([]claim, 0, len(tc.pins))
			for _, p := range tc.pins {
				claims = append(claims, claim{Pin: p})
			}
			problem, undecided := unshareable(place{"base/app.yaml", 8}, claims)
			if problem == nil || undecided {
				t.Fatalf("unshareable says nothing, undecided: %t", undecided)
			}
			if diff := cmp.Diff(fmt.Sprintf(says, tc.want), problem(claims[0]).Message); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}
