package markers

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strings"
)

// fluxGroup is the API group of Flux's Kustomizations.
const fluxGroup = "kustomize.toolkit.fluxcd.io"

var fluxKustomizationKind = groupKind{group: fluxGroup, kind: "Kustomization"}

// manifests finds objects by their own files, wherever these are in the
// repository, and not by what is built of them.
type manifests struct {
	repo *repository
	// flux are those of Flux Kustomizations, once they were asked for.
	flux      []*object
	fluxKnown bool
	// byReference are those of ConfigMaps and Secrets.
	byReference map[Reference][]*object
}

func newManifests(repo *repository) *manifests {
	return &manifests{repo: repo, byReference: map[Reference][]*object{}}
}

// fluxKustomizations are all manifests of Flux Kustomizations, patches too.
func (m *manifests) fluxKustomizations() ([]*object, error) {
	if m.fluxKnown {
		return m.flux, nil
	}
	all, err := m.find(fluxKustomizationKind, fluxGroup)
	m.flux, m.fluxKnown = all, err == nil
	return all, err
}

// named are the manifests of what a Kustomization of the namespace refers to.
func (m *manifests) named(from Reference, namespace string) ([]*object, error) {
	all, known := m.byReference[from]
	if !known {
		found, err := m.find(groupKind{kind: from.Kind}, from.Name)
		if err != nil {
			return nil, err
		}
		for _, o := range found {
			if o.name == from.Name {
				all = append(all, o)
			}
		}
		m.byReference[from] = all
	}
	var named []*object
	for _, o := range all {
		if o.named(namespace, from.Name) {
			named = append(named, o)
		}
	}
	return named, nil
}

// variables are those that the names of a source may use: of ConfigMaps whose
// manifests say one thing, and those of the Kustomization itself.
func (m *manifests) variables(src Source) (map[string]string, error) {
	if len(src.SubstituteFrom) == 0 {
		return src.Substitute, nil
	}
	all := map[string]string{}
	for _, from := range src.SubstituteFrom {
		manifests, err := m.named(from, src.Kustomization.Namespace)
		if err != nil {
			return nil, err
		}
		if from.Kind != configMapKind || len(manifests) != 1 {
			continue
		}
		if data := manifests[0].lookup([]string{"data"}); data != nil && data.site.node != nil {
			maps.Copy(all, stringMap(data.site.node))
		}
	}
	maps.Copy(all, src.Substitute)
	return all, nil
}

// named reports whether the manifest may be the object of that name: one
// without a namespace may be in any.
func (o *object) named(namespace, name string) bool {
	return o.name == name && (o.namespace == namespace || o.namespace == "")
}

// definition names the place of the object's own file for messages.
func (o *object) definition() string { return fmt.Sprintf("%s:%d", o.file, o.line) }

// find reads the objects of a kind in the documents that mention a word. Files
// that cannot be read are left out.
func (m *manifests) find(kind groupKind, mention string) ([]*object, error) {
	var all []*object
	enter := func(string) error { return nil }
	err := m.repo.walk(".", enter, func(name string) error {
		content, err := m.repo.read(name)
		if p := (*Problem)(nil); errors.As(err, &p) {
			return nil
		}
		if err != nil || !bytes.Contains(content, []byte(mention)) {
			return err
		}
		mentions := func(text string) bool { return strings.Contains(text, mention) && strings.Contains(text, kind.kind) }
		for _, doc := range parseFile(name, content, mentions).docs {
			if doc.root == nil {
				continue
			}
			for _, root := range unwrap(doc.root) {
				if o := newObject(name, doc, root); o != nil && o.is(kind) {
					all = append(all, o)
				}
			}
		}
		return nil
	})
	return all, err
}
