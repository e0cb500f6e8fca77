package placement

import (
	"strings"
	"testing"

	"github.com/giantswarm/app-upgrade-operator/internal/markers"
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
			files: sharedBase(with("1.0.0", a)), pins: []Pin{pinOf(a, leaving, remembering(placedAt(file, "1.0.0"))), pinOf(b, led, sharing)},
			want: outcome{
				files: markedFor(b), placed: []string{"base/app.yaml:8"}, removed: []string{"base/app.yaml:8"},
				gone: []string{"pin.app.a-nginx"}, memories: map[string]pin.Memory{"pin.app.b-nginx": markedAt(file, "1.0.0")},
			},
		},
		"the leader leaves, and what it leaves is shared with it": {
			files: sharedBase(with("1.0.0", a)), pins: []Pin{pinOf(a, leaving, remembering(placedAt(file, "1.0.0"))), pinOf(b, led)},
			want: outcome{
				files: plain, removed: []string{"base/app.yaml:8"},
				gone: []string{"pin.app.a-nginx"}, memories: map[string]pin.Memory{"pin.app.b-nginx": found(at(file, "1.0.0"), "LineShared")},
			},
		},
		"the leader leaves after the follower was looked at": {
			files: sharedBase(with("1.0.0", b)), pins: []Pin{pinOf(a, sharing), pinOf(b, leaving, remembering(placedAt(file, "1.0.0")))},
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
			pins:  []Pin{pinOf(a, leaving, remembering(found(at(file, "1.0.0"), "LineShared"))), pinOf(b, policyTwo, sharing, remembering(found(at(file, "1.0.0"), "LineShared")))},
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
	foreign := outcome{memories: map[string]pin.Memory{"pin.app.a": naming("flux-system/nginx", found(at(file, "1.0.0"), "ForeignMarker"))}}
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

// TestMakeLinesSharedWithOthers has pins of some Apps of a line, and others that have no pin.
func TestMakeLinesSharedWithOthers(t *testing.T) {
	const file, a, b = "base/app.yaml", "a-nginx", "b-nginx"
	markedFor := func(name string) map[string]string { return map[string]string{file: app("nginx", with("1.0.0", name))} }
	marks := func(names ...string) outcome {
		o := outcome{files: markedFor(names[0]), placed: []string{"base/app.yaml:8"}, memories: map[string]pin.Memory{"pin.app." + names[0]: markedAt(file, "1.0.0")}}
		for _, name := range names[1:] {
			o.memories["pin.app."+name] = following(at(file, "1.0.0"), names[0])
		}
		return o
	}
	refuses := func(names ...string) outcome {
		o := outcome{memories: map[string]pin.Memory{}}
		for _, name := range names {
			o.memories["pin.app."+name] = found(at(file, "1.0.0"), "LineShared")
		}
		return o
	}
	one := map[string]string{file: app("nginx", "1.0.0"), "base/kustomization.yaml": "resources: [app.yaml]\n"}
	dev, prod := kustomizationOf("dev", "base"), kustomizationOf("prod", "base")
	dev.NamePrefix, prod.NamePrefix = "a-", "b-"
	same, mc := kustomizationOf("same", "base"), kustomizationOf("mc", "mc")
	const repository = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata:\n  name: oci\n  namespace: org\nspec:\n  ref:\n    tag: 1.0.0\n"
	for name, tc := range map[string]makeCase{
		"one is a target":               {files: sharedBase("1.0.0"), pins: []Pin{pinOf(a)}, want: refuses(a)},
		"one is a target, and may be":   {files: sharedBase("1.0.0"), pins: []Pin{pinOf(a, sharing)}, want: marks(a)},
		"all are targets":               {files: sharedBase("1.0.0"), pins: []Pin{pinOf(a), pinOf(b)}, want: marks(a, b)},
		"one of the targets may not":    {files: threeOverlays(), pins: []Pin{pinOf(a, sharing), pinOf(b)}, want: refuses(a, b)},
		"suspended ones are not marked": {files: sharedBase("1.0.0"), pins: []Pin{pinOf(a, suspended)}, want: outcome{memories: map[string]pin.Memory{"pin.app.a-nginx": at(file, "1.0.0")}}},
		"a human is not told to paste":  {files: sharedBase("1.0.0"), pins: []Pin{pinOf(a, byHand)}, want: refuses(a)},
		"a human pastes":                {files: sharedBase("1.0.0"), pins: []Pin{pinOf(a, byHand, sharing)}, want: outcome{memories: map[string]pin.Memory{"pin.app.a-nginx": found(at(file, "1.0.0"), "MarkerUnmanaged")}}},
		"marked before it was shared": {
			files: sharedBase(with("1.0.0", a)), pins: []Pin{pinOf(a, remembering(placedAt(file, "1.0.0")))},
			want: outcome{memories: map[string]pin.Memory{"pin.app.a-nginx": markedAt(file, "1.0.0")}},
		},
		"of an object that the targets refer to": {
			files: map[string]string{"mc/oci.yaml": repository, "mc/a.yaml": app("a", "1.0.0")}, applied: []markers.Source{mc},
			pins: []Pin{pinOf("a", appliedBy(mc), writtenIn("oci")), pinOf("b", appliedBy(mc), writtenIn("oci"))},
			want: outcome{
				files: map[string]string{"mc/oci.yaml": strings.Replace(repository, "tag: 1.0.0", "tag: "+with("1.0.0", "a"), 1)}, placed: []string{"mc/oci.yaml:8"},
				memories: map[string]pin.Memory{"pin.app.a": markedAt("mc/oci.yaml", "1.0.0"), "pin.app.b": following(at("mc/oci.yaml", "1.0.0"), "a")},
			},
		},
		"not any more": {
			files: one, applied: []markers.Source{dev}, pins: []Pin{pinOf(a, appliedBy(dev), remembering(found(at(file, "1.0.0"), "LineShared")))}, want: marks(a),
		},
		"by two Kustomizations of the cluster": {
			files: one, applied: []markers.Source{dev, prod}, pins: []Pin{pinOf(a, appliedBy(dev))}, want: refuses(a),
		},
		"by two Kustomizations of which both are targets": {
			files: one, applied: []markers.Source{dev, prod}, pins: []Pin{pinOf(a, appliedBy(dev)), pinOf(b, appliedBy(prod))}, want: marks(a, b),
		},
		"by the same name in another cluster": {
			files: map[string]string{
				file: one[file], "base/kustomization.yaml": one["base/kustomization.yaml"],
				"one.yaml": manifest("same"), "two.yaml": manifest("same"),
			},
			applied: []markers.Source{same}, pins: []Pin{pinOf("nginx", appliedBy(same))}, want: refuses("nginx"),
		},
		"by its own manifest only": {
			files: map[string]string{
				file: one[file], "base/kustomization.yaml": one["base/kustomization.yaml"], "one.yaml": manifest("same"),
			},
			applied: []markers.Source{same}, pins: []Pin{pinOf("nginx", appliedBy(same))}, want: marks("nginx"),
		},
	} {
		t.Run(name, tc.run)
	}
}

// threeOverlays has a third App of the one line.
func threeOverlays() map[string]string {
	files := sharedBase("1.0.0")
	files["mc/c/kustomization.yaml"] = "resources: [../../base]\nnamePrefix: c-\n"
	files["mc/kustomization.yaml"] = "resources: [a, b, c]\n"
	return files
}
