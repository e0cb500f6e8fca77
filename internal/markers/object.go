package markers

import (
	"fmt"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

type groupKind struct{ group, kind string }

// anyKind stands for every kind.
var anyKind groupKind

// identity is an object's name at one moment of a build.
type identity struct{ namespace, name string }

// effective is the namespace that kustomize compares with.
func (id identity) effective() string {
	if id.namespace == "" {
		return resid.DefaultNamespace
	}
	return id.namespace
}

func (id identity) same(other identity) bool {
	return id.name == other.name && id.effective() == other.effective()
}

// object is one object of a build, with all that writes into it.
type object struct {
	gvk resid.Gvk
	// file and line are where it is defined.
	file string
	line int
	identity
	// previous are the identities before each transformation; patches may
	// use any of them.
	previous            []identity
	labels, annotations map[string]string
	// layers write into the object, in this order.
	layers  []layer
	removed bool
	// copies are what replacements take from the object.
	copies []copied
	// relabeled is set once labels or annotations are written that cannot be
	// told here: whether patches select the object by them cannot either.
	relabeled *Problem
	// renamed is set once its name or namespace are written that cannot be
	// told here, and forgotten if kustomize does not keep its original name
	// then: nor can be which other patches are for the object.
	renamed   *Problem
	forgotten bool
	// turned is set once a patch gives the object another name: which ones
	// kustomize remembers then depends on more than is followed here.
	turned bool
	// trail are the kustomizations that the object came through, the inner
	// ones first, if the builder keeps it.
	trail []step
}

// step is a kustomization on an object's way, and the identity to which its
// patches apply.
type step struct {
	dir, file string
	identity
}

// newObject reads an object from a mapping of a document; nil if it is none.
func newObject(file string, doc *document, root *yaml.Node) *object {
	metadata := follow(child(root, yaml.MetadataField))
	group, version := resid.ParseGroupVersion(scalarValue(child(root, "apiVersion")))
	o := &object{
		gvk:      resid.NewGvk(group, version, scalarValue(child(root, "kind"))),
		file:     file,
		line:     doc.line(root),
		identity: identity{namespace: scalarValue(child(metadata, "namespace")), name: scalarValue(child(metadata, "name"))},
		layers:   []layer{merge{file: file, doc: doc, root: root}},
	}
	o.labels = stringMap(child(metadata, yaml.LabelsField))
	o.annotations = stringMap(child(metadata, yaml.AnnotationsField))
	if o.gvk.Kind == "" || o.name == "" || len(o.name) > maxName {
		return nil
	}
	return o
}

func stringMap(node *yaml.Node) map[string]string {
	m := map[string]string{}
	if node = follow(node); node == nil || node.Kind != yaml.MappingNode {
		return m
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		m[node.Content[i].Value] = scalarValue(node.Content[i+1])
	}
	return m
}

func (o *object) is(gk groupKind) bool {
	return gk == anyKind || o.gvk.Group == gk.group && o.gvk.Kind == gk.kind
}

// rename changes the identity and remembers the one before. Who has lost its
// name keeps none.
func (o *object) rename(to identity) {
	if o.name == "" {
		return
	}
	if to != o.identity {
		o.previous = append(o.previous, o.identity)
		o.identity = to
	}
}

// original is the identity that the object's own file gives it.
func (o *object) original() identity {
	if len(o.previous) > 0 {
		return o.previous[0]
	}
	return o.identity
}

// loseName says that nobody can tell the name any more. Kustomize remembers the
// original one if it was another before.
func (o *object) loseName(why *Problem) {
	o.renamed, o.forgotten = why, o.forgotten || len(o.previous) == 0
	o.layers = append(o.layers, unread{why})
}

// known reports whether the object has, or had, this identity.
func (o *object) known(id identity) bool {
	return o.same(id) || slices.ContainsFunc(o.previous, id.same)
}

// substituted reports whether Flux replaces variables in the object.
func (o *object) substituted() bool {
	const key = "kustomize.toolkit.fluxcd.io/substitute"
	return o.labels[key] != "disabled" && o.annotations[key] != "disabled"
}

// lookup returns the place of the field's value, nil if nothing sets it.
func (o *object) lookup(field []string) *place { return lookup(o.layers, field) }

// remover is what takes the field's value away last, nil if nothing does.
func (o *object) remover(field []string) remover {
	var at *place
	var by remover
	for _, l := range o.layers {
		before := at
		if at = l.apply(field, at); before != nil && at == nil {
			by, _ = l.(remover)
		}
	}
	return by
}

func lookup(layers []layer, field []string) *place {
	var at *place
	for _, l := range layers {
		at = l.apply(field, at)
	}
	return at
}

// place is where a value is written.
type place struct {
	file string
	doc  *document
	site site
	// blocked says why a marker there cannot work, and where "there" is; doc
	// and site may then be missing.
	blocked *Problem
	// below is where the value comes from if something that cannot be read does
	// not set it.
	below *place
}

// text names the place for messages.
func (p *place) text() string {
	loc := p.location()
	return fmt.Sprintf("%s:%d", loc.File, loc.Line)
}

func (p *place) location() Location {
	loc := Location{File: p.file}
	if p.site.node != nil {
		loc.Value = p.site.value()
	}
	if p.blocked != nil {
		loc.Line = p.blocked.Line
		return loc
	}
	loc.Document, loc.Line, loc.Column = p.doc.index, p.doc.line(p.site.node), p.site.node.Column
	return loc
}
