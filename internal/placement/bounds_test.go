package placement

import (
	"strings"
	"testing"

	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// maxMemory is far less than the 256 KiB that all annotations of an object may have. One memory that is longer could not be
// written, and would keep all others of the repository from being written.
const maxMemory = 4 << 10

// Whatever a repository says, the memory of a pin stays small, and its finding is one line without control characters.
func TestMemoriesAreBounded(t *testing.T) {
	long := strings.Repeat("a1", 1<<18)
	copies := app("a", with("1.0.0", "a")) + strings.Repeat("---\n"+app("b", with("1.0.0", "a")), 400)
	odd := strings.Repeat("folder/", 100) + "a\n\u202e\x1b[2J.yaml"
	for name, tc := range map[string]struct {
		file, content, reason string
	}{
		"a long version":            {"mc/a.yaml", app("a", long), markers.NotMarkable},
		"a long marker":             {"mc/a.yaml", app("a", `1.0.0 # {"$imagepolicy": "org:`+long+`:tag"}`), markers.ForeignMarker},
		"a long marker without tag": {"mc/a.yaml", app("a", `1.0.0 # {"$imagepolicy": "org:pin.app.a:`+long+`"}`), markers.ForeignMarker},
		"a long comment":            {"mc/a.yaml", app("a", "1.0.0 # "+long), markers.ForeignMarker},
		"a marker with spaces":      {"mc/a.yaml", app("a", `1.0.0 # {"$imagepolicy": "org:pin.app.a"`+strings.Repeat(" ", 1<<20)+`}`), "MarkerMissing"},
		"many copies":               {"mc/a.yaml", copies, "MarkerCopied"},
		"an odd file":               {"mc/" + odd, app("a", "1.0.0"), markers.NotMarkable},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := mapFS(map[string]string{tc.file: tc.content})
			p := pinOf("a", remembering(placedAt(tc.file, "1.0.0")))
			reading, err := NewReader(fsys, nil).Lines("r1", []Pin{p})
			if err != nil {
				t.Fatal(err)
			}
			plan, err := Make(fsys, "r1", []Pin{p}, known([]Pin{p}), nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			checked := batch.Recall(p.Memory, reading.Lines[p.Key], "r1")
			if checked.Finding == nil || checked.Finding.Reason != tc.reason {
				t.Errorf("the check finds %.300v, want %s", checked.Finding, tc.reason)
			}
			for _, m := range []pin.Memory{checked, plan.Memories[p.Key]} {
				if size := len(m.Encode()); size > maxMemory {
					t.Errorf("the memory has %d bytes: %.300s", size, m.Encode())
				}
				if m.Finding != nil && strings.ContainsAny(m.Finding.Message, "\n\x1b\u202e") {
					t.Errorf("the finding has control characters: %q", m.Finding.Message)
				}
			}
		})
	}
}
