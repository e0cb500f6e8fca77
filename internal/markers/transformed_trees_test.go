package markers

import (
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// transform gives some kustomizations of the tree replacements and
// transformers, and tells whether there are any.
func (g *tree) transform() (transformed bool) {
	for _, name := range sortedKeys(g.files) {
		if path.Base(name) != "kustomization.yaml" {
			continue
		}
		if g.chance("replacement") {
			transformed = true
			g.files[name] += "replacements:\n" + g.replacement()
		}
		if g.chance("transformer") && g.chance("transformers") {
			transformed = true
			g.files[name] += "transformers: [transformer.yaml]\n"
			g.files[path.Dir(name)+"/transformer.yaml"] = g.transformer()
		}
	}
	return transformed
}

func (g *tree) replacement() string {
	names := sortedKeys(g.spaces)
	written := g.pick("written", "spec.catalog", "spec.source", "spec.version", "metadata.name", "metadata.namespace",
		"metadata.labels.stage", "metadata.annotations.owner", "spec.version")
	from := "spec.version"
	if strings.HasPrefix(written, "metadata") { // no version in a name or a label
		from = "metadata.name"
	}
	text := "- source: {kind: App, name: " + g.pick("source", names...) + ", fieldPath: " + g.pick("field", from, "metadata.name") + "}\n  targets:\n"
	selected := g.pick("select", "{kind: App}", "{kind: App, name: "+g.pick("replaced", names...)+"}", "{kind: App, namespace: default}",
		"{kind: App, labelSelector: stage=dev}", "{name: '.*-a'}", "{annotationSelector: owner=a}")
	text += "  - select: " + selected + "\n"
	if g.chance("reject") {
		text += "    reject: [" + g.pick("rejected", "{name: "+g.pick("name", names...)+"}", "{labelSelector: stage=prod}", "{namespace: org}") + "]\n"
	}
	return text + "    fieldPaths: [" + written + "]\n    options: {create: true}\n"
}

func (g *tree) transformer() string {
	header := func(kind string) string { return "apiVersion: builtin\nkind: " + kind + "\nmetadata: {name: any}\n" }
	stage := "{stage: " + g.pick("stage", "dev", "prod") + "}"
	return g.pick("transformer",
		header("PrefixTransformer")+"prefix: t-\nfieldSpecs: [{path: metadata/name}]\n",
		header("SuffixTransformer")+"suffix: -t\nfieldSpecs: [{path: metadata/name}]\n",
		header("NamespaceTransformer")[:len("apiVersion: builtin\nkind: NamespaceTransformer\n")]+"metadata: {name: any, namespace: other}\nfieldSpecs: [{path: metadata/namespace, create: true}]\n",
		header("LabelTransformer")+"labels: "+stage+"\nfieldSpecs: [{path: metadata/labels, create: true}]\n",
		header("AnnotationsTransformer")+"annotations: {owner: a}\nfieldSpecs: [{path: metadata/annotations, create: true}]\n",
		header("PatchTransformer")+"target: {kind: App}\npatch: |-\n  - {op: add, path: /spec/version, value: "+g.version()+"}\n",
		header("PatchTransformer")+"target: {kind: App, name: "+g.pick("name", sortedKeys(g.spaces)...)+"}\npatch: |-\n  - {op: replace, path: /metadata/name, value: turned}\n",
	)
}

// TestTransformedTreesMoveTheirTargets is TestMarkersMoveTheirTargets with
// replacements and transformers. What these write to is refused, and nothing
// else; trees without them are marked as often as before.
func TestTransformedTreesMoveTheirTargets(t *testing.T) {
	moved, plainTried, plainMoved := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		g := newTree(t)
		g.generate()
		g.files[topManifest] = fluxKustomization("flux", "top", "./top", "c: eu") + "  sourceRef:\n    kind: GitRepository\n    name: gitops\n"
		transformed := g.chance("transformed") || g.chance("transformed more")
		if transformed {
			transformed = g.transform()
		}
		g.files[clusterFolder+"/kustomization.yaml"] = resources(path.Base(topManifest))
		switch all := g.moveAll(); {
		case transformed:
			moved += len(all)
		case !lossy(g.files):
			plainTried, plainMoved = plainTried+g.tried, plainMoved+len(all)
		}
	})
	t.Logf("%d versions moved beside what transforms, and %d of %d others", moved, plainMoved, plainTried)
	if moved == 0 || plainTried == 0 || plainMoved*100 < leastMoved*plainTried {
		t.Errorf("not all was tried, or less than %d of 100 were moved", leastMoved)
	}
}

// topManifest is the manifest of the Kustomization top.
const topManifest = clusterFolder + "/top.yaml"

// leastMoved is how many of a hundred versions are marked at least where
// nothing transforms them: the others are in inline patches and JSON6902.
const leastMoved = 40
