package placement

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func TestSharedMessages(t *testing.T) {
	const file = "base/app.yaml:8"
	offer := &markers.Overlay{
		Kustomization: "mc/a/kustomization.yaml", Entry: "- path: version.yaml\n", Patch: "mc/a/version.yaml", PatchContent: "kind: App\n",
	}
	long, odd := *offer, *offer
	long.PatchContent = strings.Repeat("# long\n", 200)
	odd.Kustomization, odd.Patch = "mc/a\n\x1b[2J/kustomization.yaml", "mc/a\n\x1b[2J/version.yaml"
	for name, tc := range map[string]struct {
		said sharedLine
		want string
	}{
		"with an overlay": {sharedLine{others: "App org/b", offer: offer}, file + " sets the version of others too: App org/b; give the target a line of its own " +
			"as shown here, or set git.allowShared to move them all. Add to the patches of mc/a/kustomization.yaml:\n- path: version.yaml\nand write mc/a/version.yaml:\nkind: App\n"},
		"with a long one": {sharedLine{others: "App org/b", offer: &long}, file + " sets the version of others too: App org/b; give the target a line of its own " +
			"by a patch file that the patches of mc/a/kustomization.yaml name, or set git.allowShared to move them all"},
		"in an odd folder": {sharedLine{others: "App org/b", offer: &odd}, file + " sets the version of others too: App org/b; give the target a line of its own " +
			"by a patch file that the patches of mc/a??[2J/kustomization.yaml name, or set git.allowShared to move them all"},
		"without": {sharedLine{others: "App org/b"}, file + " sets the version of others too: App org/b; give the target a line of its own, for example by a variable " +
			"that each Kustomization sets in postBuild.substitute, or set git.allowShared to move them all"},
		"omitted": {sharedLine{others: "App org/b", omitted: true}, file + " sets the version of others too: App org/b; give the target a line of its own, for example " +
			"by a patch (patches are shown for the first targets of a line and of the repository, and omitted here), or set git.allowShared to move them all"},
		"a variable": {sharedLine{others: "App org/b", variable: "version"}, file + " sets the version of others too: App org/b; give the target a variable of its own " +
			"instead of ${version}, or set git.allowShared to move them all"},
		"not granted": {sharedLine{others: "App org/b", variable: "version", ungranted: "kubectl annotate"}, file + " sets the version of others too: App org/b; " +
			"give the target a variable of its own instead of ${version}, or let this namespace's git.allowShared count for objects of other namespaces and clusters: kubectl annotate"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, sharedWithOthers(place{"base/app.yaml", 8}, tc.said).Message); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSharedByPoliciesMessage(t *testing.T) {
	got := sharedByPolicies(place{"base/app.yaml", 8}, []string{"acme/secret", "org/one", "org/two", "umbrella/secret"}, "org").Message
	const want = "base/app.yaml:8 sets the version of targets of several policies (one of another namespace, org/one, org/two); " +
		"let one policy select them all, or give each target a line of its own"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

// What only the cluster has of other namespaces is not named, what stands in the repository is.
func TestUsersText(t *testing.T) {
	own, files, live := kustomizationOf("own", "mc"), kustomizationOf("files", "base"), kustomizationOf("live", "base")
	own.Kustomization.Namespace = "org"
	far := kustomizationOf("far", "base")
	far.Remote = true
	live.Substitute = map[string]string{"tenant": "secret"}
	mine := kustomizationOf("mine", "base")
	user := func(by markers.Source, applied bool, namespace, name string) markers.User {
		u := markers.User{
			Target:        markers.Target{Kind: "App", Namespace: namespace, Name: name},
			Kustomization: by.Kustomization, Applied: applied, Remote: by.Remote, Folder: "base",
		}
		if !applied && by.Kustomization.Name != "" {
			u.Entry = "clusters/x"
		}
		return u
	}
	madeBy := func(u markers.User, entry string) markers.User {
		u.Entry = entry
		return u
	}
	loose := user(markers.Source{}, false, "acme", "b")
	var many []markers.User
	for i := range 7 {
		many = append(many, user(mine, true, "org", fmt.Sprintf("b%d", i)))
	}
	for name, tc := range map[string]struct {
		users []markers.User
		want  string
	}{
		"of this namespace":                      {[]markers.User{user(own, true, "org", "b")}, "App org/b (Kustomization org/own)"},
		"by a Kustomization of another":          {[]markers.User{user(files, true, "org", "b")}, "App org/b (folder base)"},
		"by the target's":                        {[]markers.User{user(mine, true, "org", "b")}, "App org/b (Kustomization flux/mine)"},
		"of another namespace":                   {[]markers.User{user(files, true, "acme", "b")}, "App acme/b (folder base)"},
		"of another namespace, with a value":     {[]markers.User{user(live, true, "acme", "secret-b")}, "App of another namespace (folder base)"},
		"several of these":                       {[]markers.User{user(live, true, "acme", "x"), user(live, true, "acme", "y")}, "App of another namespace (folder base) and 1 more"},
		"of this namespace's Kustomization":      {[]markers.User{user(own, true, "acme", "b")}, "App acme/b (Kustomization org/own)"},
		"of a manifest":                          {[]markers.User{user(live, false, "acme", "b")}, "App acme/b (Kustomization flux/live of clusters/x)"},
		"of a manifest that this cluster builds": {[]markers.User{madeBy(user(live, false, "acme", "b"), "")}, "App of another namespace (folder base)"},
		"of a manifest for a remote cluster":     {[]markers.User{madeBy(user(live, false, "acme", "b"), "Kustomization flux/far")}, "App of another namespace (folder base)"},
		"of a folder":                            {[]markers.User{loose}, "App acme/b (folder base)"},
		"many":                                   {many, "App org/b0 (Kustomization flux/mine), App org/b1 (Kustomization flux/mine), App org/b2 (Kustomization flux/mine), App org/b3 (Kustomization flux/mine), App org/b4 (Kustomization flux/mine) and 2 more"},
		"of the target's name": {
			[]markers.User{user(files, false, "org", "nginx")}, "App org/nginx (Kustomization flux/files of clusters/x; the target is the one that Kustomization flux/mine applies)",
		},
		"of the target's name in another cluster":    {[]markers.User{user(far, true, "org", "nginx")}, "App org/nginx (folder base, in another cluster)"},
		"of the target's name and its Kustomization": {[]markers.User{user(mine, false, "org", "nginx")}, "App org/nginx (Kustomization flux/mine of clusters/x, in another cluster)"},
		"odd names": {
			[]markers.User{user(markers.Source{}, false, "acme\nnginx", "b\x1b[2J\u202e")}, "App acme?nginx/b?[2J? (folder base)",
		},
		"endless names": {
			[]markers.User{user(markers.Source{}, false, "acme", strings.Repeat("b", 1<<20))}, "App acme/" + strings.Repeat("b", 300-len("App acme/")) + "… (folder base)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := &visit{applied: map[pin.NamespacedName]markers.Source{}}
			for _, source := range []markers.Source{own, files, live, far, mine} {
				v.applied[applierOf(markers.User{Kustomization: source.Kustomization})] = source
			}
			if diff := cmp.Diff(tc.want, v.usersText(claim{Pin: pinOf("nginx", appliedBy(mine))}, tc.users)); diff != "" {
				t.Errorf("usersText (-want +got):\n%s", diff)
			}
		})
	}
}

// The user says in which folder a target is written. Which of the users of a line it is, is proven by the Kustomization that
// applies it, if there is one.
func TestMakeExplicitSources(t *testing.T) {
	const file = "base/app.yaml"
	in := func(path string) func(*Pin) {
		return func(p *Pin) { p.Intent.Source.Path, p.Source.Path = path, path }
	}
	base := map[string]string{file: app("nginx", "1.0.0"), "base/kustomization.yaml": "resources: [app.yaml]\n"}
	and := func(more ...map[string]string) map[string]string {
		files := maps.Clone(base)
		for _, m := range more {
			maps.Copy(files, m)
		}
		return files
	}
	marks := outcome{
		files: map[string]string{file: app("nginx", with("1.0.0", "nginx"))}, placed: []string{"base/app.yaml:8"},
		memories: map[string]pin.Memory{"pin.app.nginx": markedAt(file, "1.0.0")},
	}
	refuses := outcome{memories: map[string]pin.Memory{"pin.app.nginx": found(at(file, "1.0.0"), "LineShared")}}
	mine, twin, far, wrong := kustomizationOf("mine", "base"), kustomizationOf("twin", "base"), kustomizationOf("far", "base"), kustomizationOf("wrong", "mc")
	far.Remote = true
	byMine := []func(*Pin){appliedBy(mine), in("base")}
	elsewhere := []func(*Pin){appliedBy(kustomizationOf("oci", "base")), in("base")}
	for name, tc := range map[string]struct {
		files   map[string]string
		applied []markers.Source
		pin     []func(*Pin)
		want    outcome
	}{
		"by its Kustomization":                   {base, []markers.Source{mine}, byMine, marks},
		"by another cluster's, too":              {and(cluster("one", manifest("other"))), []markers.Source{mine}, byMine, refuses},
		"by one that applies to another, too":    {base, []markers.Source{mine, far}, byMine, refuses},
		"by a second one of this cluster":        {base, []markers.Source{mine, twin}, byMine, marks},
		"by others, and its own reads no such":   {and(map[string]string{"mc/a.yaml": app("a", "1.0.0")}), []markers.Source{wrong, twin}, []func(*Pin){appliedBy(wrong), in("base")}, refuses},
		"from elsewhere":                         {base, nil, elsewhere, marks},
		"from elsewhere, but another applies it": {base, []markers.Source{twin}, elsewhere, refuses},
		"from elsewhere, in two folders": {
			and(map[string]string{"clusters/a/kustomization.yaml": "resources: [../../base]\n", "clusters/b/kustomization.yaml": "resources: [../../base]\n"}), nil, elsewhere, refuses,
		},
		"of no Kustomization":                        {base, nil, []func(*Pin){in("base")}, marks},
		"of no Kustomization, but a manifest":        {and(cluster("one", manifest("other"))), nil, []func(*Pin){in("base")}, marks},
		"of no Kustomization, but two manifests":     {and(cluster("one", manifest("other")), cluster("two", manifest("more"))), nil, []func(*Pin){in("base")}, refuses},
		"of no Kustomization, but two apply it here": {base, []markers.Source{mine, twin}, []func(*Pin){in("base")}, marks},
		"of no Kustomization, in two folders": {
			and(map[string]string{"clusters/a/kustomization.yaml": "resources: [../../base]\n", "clusters/b/kustomization.yaml": "resources: [../../base]\n"}),
			nil, []func(*Pin){in("clusters/b")}, refuses,
		},
	} {
		t.Run(name, makeCase{files: tc.files, applied: tc.applied, pins: []Pin{pinOf("nginx", tc.pin...)}, want: tc.want}.run)
	}
}

// cluster is the folder of a cluster that has a Kustomization.
func cluster(name, manifest string) map[string]string {
	return map[string]string{"clusters/" + name + "/apps.yaml": manifest, "clusters/" + name + "/kustomization.yaml": "resources: [apps.yaml]\n"}
}

// A policy moves what is of its own namespace. What is of others it moves only with the grant of who owns the repository.
func TestMakeGrants(t *testing.T) {
	const file, a = "base/app.yaml", "a-nginx"
	ungranted := func(p *Pin) { p.Ungranted = "kubectl annotate" }
	base := map[string]string{file: app("nginx", "1.0.0"), "base/kustomization.yaml": "resources: [app.yaml]\n"}
	mine, same, other, far := kustomizationOf("mine", "base"), kustomizationOf("same", "base"), kustomizationOf("other", "base"), kustomizationOf("far", "base")
	mine.NamePrefix, same.NamePrefix, other.NamePrefix, far.NamePrefix = "a-", "b-", "c-", "d-"
	other.TargetNamespace, far.Remote = "acme", true
	foreign := cluster("one", strings.Replace(manifest("more"), "  sourceRef", "  targetNamespace: acme\n  sourceRef", 1))
	maps.Copy(foreign, base)
	marks := outcome{
		files: map[string]string{file: app("nginx", with("1.0.0", a))}, placed: []string{"base/app.yaml:8"},
		memories: map[string]pin.Memory{"pin.app.a-nginx": markedAt(file, "1.0.0")},
	}
	refuses := outcome{memories: map[string]pin.Memory{"pin.app.a-nginx": found(at(file, "1.0.0"), "LineShared")}}
	for name, tc := range map[string]struct {
		files   map[string]string
		applied []markers.Source
		with    []func(*Pin)
		want    outcome
	}{
		"own namespace, not allowed":                {base, []markers.Source{mine, same}, nil, refuses},
		"own namespace, allowed":                    {base, []markers.Source{mine, same}, []func(*Pin){sharing, ungranted}, marks},
		"another namespace, not allowed, granted":   {base, []markers.Source{mine, other}, nil, refuses},
		"another namespace, allowed, granted":       {base, []markers.Source{mine, other}, []func(*Pin){sharing}, marks},
		"another namespace, allowed, not granted":   {base, []markers.Source{mine, other}, []func(*Pin){sharing, ungranted}, refuses},
		"both namespaces, allowed, not granted":     {base, []markers.Source{mine, same, other}, []func(*Pin){sharing, ungranted}, refuses},
		"another cluster, allowed, not granted":     {base, []markers.Source{mine, far}, []func(*Pin){sharing, ungranted}, refuses},
		"another cluster, allowed, granted":         {base, []markers.Source{mine, far}, []func(*Pin){sharing}, marks},
		"nobody knows whose, allowed, not granted":  {foreign, []markers.Source{mine}, []func(*Pin){sharing, ungranted}, refuses},
		"nobody knows whose, allowed, granted":      {foreign, []markers.Source{mine}, []func(*Pin){sharing}, marks},
		"nobody else, not allowed, and not granted": {base, []markers.Source{mine}, []func(*Pin){ungranted}, marks},
		"by hand, another namespace, not granted":   {base, []markers.Source{mine, other}, []func(*Pin){byHand, sharing, ungranted}, refuses},
	} {
		t.Run(name, makeCase{files: tc.files, applied: tc.applied, pins: []Pin{pinOf(a, append(tc.with, appliedBy(mine))...)}, want: tc.want}.run)
	}
}
