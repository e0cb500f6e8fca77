package placement

import (
	"testing"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func TestMakeSharedLines(t *testing.T) {
	const file = "base/app.yaml"
	a, b := "a-nginx", "b-nginx"
	markedFor := func(name string) map[string]string { return map[string]string{file: app("nginx", with("1.0.0", name))} }
	plain := map[string]string{file: app("nginx", "1.0.0")}
	leads := map[string]pin.Memory{"pin.app.a-nginx": markedAt(file, "1.0.0"), "pin.app.b-nginx": following(at(file, "1.0.0"), a)}
	shared := map[string]pin.Memory{
		"pin.app.a-nginx": found(at(file, "1.0.0"), "LineShared"), "pin.app.b-nginx": found(at(file, "1.0.0"), "LineShared"),
	}
	several := map[string]pin.Memory{
		"pin.app.a-nginx": found(at(file, "1.0.0"), "SeveralWaves"), "pin.app.b-nginx": found(at(file, "1.0.0"), "SeveralWaves"),
	}
	led := remembering(following(at(file, "1.0.0"), a))
	for name, tc := range map[string]makeCase{
		"of one policy": {
			files: sharedBase("1.0.0"), pins: []Pin{pinOf(a), pinOf(b)},
			want: outcome{files: markedFor(a), placed: []string{"base/app.yaml:8"}, memories: leads},
		},
		"of one policy, later": {
			files: sharedBase(with("1.0.0", a)), pins: []Pin{pinOf(a, remembering(placedAt(file, "1.0.0"))), pinOf(b, led)},
			want: outcome{memories: leads},
		},
		"the leader is not the first": {
			files: sharedBase(with("1.0.0", b)), pins: []Pin{pinOf(a), pinOf(b)},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a-nginx": following(at(file, "1.0.0"), b), "pin.app.b-nginx": markedAt(file, "1.0.0")}},
		},
		"the leader leaves": {
			files: sharedBase(with("1.0.0", a)), pins: []Pin{pinOf(a, leaving, remembering(placedAt(file, "1.0.0"))), pinOf(b, led)},
			want: outcome{
				files: markedFor(b), placed: []string{"base/app.yaml:8"}, removed: []string{"base/app.yaml:8"},
				gone: []string{"pin.app.a-nginx"}, memories: map[string]pin.Memory{"pin.app.b-nginx": markedAt(file, "1.0.0")},
			},
		},
		"the leader leaves after the follower was looked at": {
			files: sharedBase(with("1.0.0", b)), pins: []Pin{pinOf(a), pinOf(b, leaving, remembering(placedAt(file, "1.0.0")))},
			want: outcome{
				files: markedFor(a), placed: []string{"base/app.yaml:8"}, removed: []string{"base/app.yaml:8"},
				gone: []string{"pin.app.b-nginx"}, memories: map[string]pin.Memory{"pin.app.a-nginx": markedAt(file, "1.0.0")},
			},
		},
		"suspended": {
			files: sharedBase("1.0.0"), pins: []Pin{pinOf(a, suspended), pinOf(b, suspended)},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a-nginx": at(file, "1.0.0"), "pin.app.b-nginx": following(at(file, "1.0.0"), a)}},
		},
		"a human removed the marker": {
			files: sharedBase("1.0.0"), pins: []Pin{pinOf(a, remembering(placedAt(file, "1.0.0"))), pinOf(b, led)},
			want: outcome{memories: map[string]pin.Memory{
				"pin.app.a-nginx": found(markedAt(file, "1.0.0"), "MarkerMissing"), "pin.app.b-nginx": found(at(file, "1.0.0"), "MarkerMissing"),
			}},
		},
		"of one wave": {
			files: sharedBase("1.0.0"), pins: []Pin{pinOf(a, wave("canary")), pinOf(b, wave("canary"))},
			want: outcome{files: markedFor(a), placed: []string{"base/app.yaml:8"}, memories: leads},
		},
		"of two waves":       {files: sharedBase("1.0.0"), pins: []Pin{pinOf(a, wave("canary")), pinOf(b, wave("production"))}, want: outcome{memories: several}},
		"of a wave and none": {files: sharedBase("1.0.0"), pins: []Pin{pinOf(a, wave("canary")), pinOf(b)}, want: outcome{memories: several}},
		"of two waves, of one before": {
			files: sharedBase(with("1.0.0", a)), pins: []Pin{pinOf(a, wave("canary"), remembering(placedAt(file, "1.0.0"))), pinOf(b, led)},
			want: outcome{files: plain, removed: []string{"base/app.yaml:8"}, memories: several},
		},
		"of two waves, of one again": {
			files: sharedBase("1.0.0"), pins: []Pin{pinOf(a, remembering(several["pin.app.a-nginx"])), pinOf(b, remembering(several["pin.app.b-nginx"]))},
			want: outcome{files: markedFor(a), placed: []string{"base/app.yaml:8"}, memories: leads},
		},
		"of two waves, not decided yet": {
			files: sharedBase("1.0.0"), pins: []Pin{pinOf(a, wave("canary")), pinOf(b, wave("production"), undecided)},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a-nginx": at(file, "1.0.0"), "pin.app.b-nginx": following(at(file, "1.0.0"), a)}},
		},
		"of two waves, not decided yet, of one before": {
			files: sharedBase(with("1.0.0", a)), pins: []Pin{pinOf(a, wave("canary"), undecided, remembering(placedAt(file, "1.0.0"))), pinOf(b, led)},
			want: outcome{memories: leads},
		},
		"of two policies and two waves": {files: sharedBase("1.0.0"), pins: []Pin{pinOf(a, wave("canary")), pinOf(b, policyTwo)}, want: outcome{memories: shared}},
		"of two policies":               {files: sharedBase("1.0.0"), pins: []Pin{pinOf(a), pinOf(b, policyTwo)}, want: outcome{memories: shared}},
		"of two policies, one was first": {
			files: sharedBase(with("1.0.0", a)), pins: []Pin{pinOf(a, remembering(placedAt(file, "1.0.0"))), pinOf(b, policyTwo)},
			want: outcome{files: plain, removed: []string{"base/app.yaml:8"}, memories: shared},
		},
		"of two policies, one was first and is suspended": {
			files: sharedBase(with("1.0.0", a)), pins: []Pin{pinOf(a, suspended, remembering(placedAt(file, "1.0.0"))), pinOf(b, policyTwo)},
			want: outcome{memories: map[string]pin.Memory{
				"pin.app.a-nginx": found(markedAt(file, "1.0.0"), "LineShared"), "pin.app.b-nginx": found(at(file, "1.0.0"), "LineShared"),
			}},
		},
		"of two policies, one leaves": {
			files: sharedBase("1.0.0"),
			pins:  []Pin{pinOf(a, leaving, remembering(found(at(file, "1.0.0"), "LineShared"))), pinOf(b, policyTwo, remembering(found(at(file, "1.0.0"), "LineShared")))},
			want: outcome{
				files: markedFor(b), placed: []string{"base/app.yaml:8"}, gone: []string{"pin.app.a-nginx"},
				memories: map[string]pin.Memory{"pin.app.b-nginx": markedAt(file, "1.0.0")},
			},
		},
	} {
		t.Run(name, tc.run)
	}
}

func TestMakeForeignMarkers(t *testing.T) {
	const file = "mc/a.yaml"
	theirs := func(text string) map[string]string {
		return map[string]string{file: app("a", `1.0.0 # {"$imagepolicy": "`+text+`"}`)}
	}
	foreign := outcome{memories: map[string]pin.Memory{"pin.app.a": found(at(file, "1.0.0"), "ForeignMarker")}}
	for name, tc := range map[string]makeCase{
		"of somebody's policy": {files: theirs("flux-system:nginx:tag"), pins: []Pin{pinOf("a")}, want: foreign},
		"of our name without a tag": {
			files: theirs("org:pin.app.a:name"), pins: []Pin{pinOf("a")},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": found(at(file, "1.0.0"), "MarkerMissing")}},
		},
		"copied from another target": {
			files: theirs("org:pin.app.b:tag"), pins: []Pin{pinOf("a")}, others: []Pin{pinOf("b", policyTwo)},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": found(at(file, "1.0.0"), "MarkerCopied")}},
		},
		"another comment": {
			files: map[string]string{file: app("a", "1.0.0 # do not touch")}, pins: []Pin{pinOf("a")},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": {Finding: finding("ForeignMarker")}}},
		},
		"our own elsewhere in the file": {
			files: map[string]string{file: app("a", "1.0.0") + "---\n" + app("b", with("1.0.0", "a"))}, pins: []Pin{pinOf("a")},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a": found(at(file, "1.0.0"), "MarkerCopied")}},
		},
	} {
		t.Run(name, tc.run)
	}
}
