package placement

import (
	"testing"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func later(p *Pin) { p.Later = true }

// What the key of this visit's commit does not sign for is read, and left to a visit of its own.
func TestMakeForOneSigner(t *testing.T) {
	const a, b, base = "mc/a.yaml", "mc/b.yaml", "base/app.yaml"
	plain := map[string]string{a: app("a", "1.0.0"), b: app("b", "2.0.0")}
	marked := remembering(placedAt(b, "2.0.0"))
	firstMarked := outcome{
		files: map[string]string{a: app("a", with("1.0.0", "a"))}, placed: []string{"mc/a.yaml:8"},
		memories: map[string]pin.Memory{"pin.app.a": markedAt(a, "1.0.0"), "pin.app.b": at(b, "2.0.0")},
	}
	for name, tc := range map[string]makeCase{
		"its marker is placed later": {files: plain, pins: []Pin{pinOf("a"), pinOf("b", later)}, want: firstMarked},
		"its marker is removed later": {
			files: map[string]string{b: app("b", with("2.0.0", "b"))}, pins: []Pin{pinOf("b", later, leaving, marked)},
		},
		"its marker stands": {
			files: map[string]string{b: app("b", with("2.0.0", "b"))}, pins: []Pin{pinOf("b", later)},
			want: outcome{memories: map[string]pin.Memory{"pin.app.b": markedAt(b, "2.0.0")}},
		},
		"its line is not marked for another policy": {
			files: sharedBase("1.0.0"), pins: []Pin{pinOf("a-nginx"), pinOf("b-nginx", policyTwo, later)},
			want: outcome{memories: map[string]pin.Memory{
				"pin.app.a-nginx": found(at(base, "1.0.0"), "LineShared"), "pin.app.b-nginx": found(at(base, "1.0.0"), "LineShared"),
			}},
		},
		"its marker stays on a line that it cannot share": {
			files: sharedBase(with("1.0.0", "a-nginx")),
			pins:  []Pin{pinOf("a-nginx", later, remembering(placedAt(base, "1.0.0"))), pinOf("b-nginx", policyTwo)},
			want: outcome{memories: map[string]pin.Memory{
				"pin.app.a-nginx": found(markedAt(base, "1.0.0"), "LineShared"), "pin.app.b-nginx": found(at(base, "1.0.0"), "LineShared"),
			}},
		},
	} {
		t.Run(name, tc.run)
	}
}
