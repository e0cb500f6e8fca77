package markers

import (
	"fmt"
	"maps"
	"strings"
)

// fluxGroup is the API group of Flux's Kustomizations.
const fluxGroup = "kustomize.toolkit.fluxcd.io"

var fluxKustomizationKind = groupKind{group: fluxGroup, kind: "Kustomization"}

// maxManifests bounds the manifests of Flux Kustomizations, and those of
// ConfigMaps and Secrets that these refer to.
const maxManifests = 20_000

// manifests finds objects by their own files, wherever these are in the
// repository, and not by what is built of them.
type manifests struct {
	repo *repository
	// flux are those of Flux Kustomizations by name, and all in the order of
	// files, once they were asked for.
	flux      []*object
	fluxNamed map[string][]*object
	// references are those of ConfigMaps and Secrets; of those that are only
	// expected nobody has asked yet.
	references map[Reference][]*object
	expected   map[Reference]bool
	// announced are all that were ever expected.
	announced map[Reference]bool
}

func newManifests(repo *repository) *manifests {
	return &manifests{repo: repo, references: map[Reference][]*object{}, expected: map[Reference]bool{}, announced: map[Reference]bool{}}
}

// expect announces sources, so that one look at the files does for all.
func (m *manifests) expect(sources ...Source) {
	for _, src := range sources {
		for _, from := range src.SubstituteFrom {
			m.announced[from] = true
			if _, known := m.references[from]; !known {
				m.expected[from] = true
			}
		}
	}
}

// fluxKustomizations are all manifests of Flux Kustomizations, patches too.
func (m *manifests) fluxKustomizations() ([]*object, error) {
	if m.fluxNamed != nil {
		return m.flux, nil
	}
	mentions := func(text string) bool { return strings.Contains(text, fluxGroup) }
	var all []*object
	err := m.find(mentions, func(o *object) bool {
		if o.is(fluxKustomizationKind) {
			all = append(all, o)
		}
		return len(all) <= maxManifests
	})
	if err != nil {
		return nil, err
	}
	m.flux, m.fluxNamed = all, map[string][]*object{}
	for _, o := range all {
		m.fluxNamed[o.name] = append(m.fluxNamed[o.name], o)
		if src, ok := o.fluxSource(substitution{}); ok {
			m.expect(src)
		}
	}
	return all, nil
}

// named are the manifests of what a Kustomization of the namespace refers to.
func (m *manifests) named(from Reference, namespace string) ([]*object, error) {
	if _, known := m.references[from]; !known {
		m.expected[from] = true
		if err := m.readExpected(); err != nil {
			return nil, err
		}
	}
	var named []*object
	for _, o := range m.references[from] {
		if o.named(namespace, from.Name) {
			named = append(named, o)
		}
	}
	return named, nil
}

// readExpected finds the ConfigMaps and Secrets that are expected.
func (m *manifests) readExpected() error {
	names := map[string]bool{}
	for from := range m.expected {
		names[from.Name] = true
	}
	found, count := map[Reference][]*object{}, 0
	mentions := func(text string) bool {
		return (strings.Contains(text, configMapKind) || strings.Contains(text, secretKind)) && givesName(text, func(name string) bool { return names[name] })
	}
	err := m.find(mentions, func(o *object) bool {
		from := Reference{Kind: o.gvk.Kind, Name: o.name}
		if o.gvk.Group == "" && m.expected[from] {
			found[from] = append(found[from], o)
			count++
		}
		return count <= maxManifests
	})
	if err != nil {
		return err
	}
	for from := range m.expected {
		m.references[from] = found[from]
	}
	m.expected = map[Reference]bool{}
	return nil
}

// givesName reports whether a text has a key name with a wanted value. It is
// quick and may say yes too often.
func givesName(text string, wanted func(name string) bool) bool {
	const blank = " \t\"'"
	for {
		_, rest, more := strings.Cut(text, "name")
		if !more {
			return false
		}
		text = rest
		rest, isKey := strings.CutPrefix(strings.TrimLeft(rest, blank), ":")
		if !isKey {
			continue
		}
		rest = strings.TrimLeft(rest, blank)
		if end := strings.IndexAny(rest, " \t\r\n\"',}#"); end >= 0 {
			rest = rest[:end]
		}
		if wanted(rest) {
			return true
		}
	}
}

// substitution has the variables that the names of a source may use: of
// ConfigMaps whose manifests say one thing, and those of the Kustomization
// itself. What else it refers to has some variables, for all that is known.
func (m *manifests) substitution(src Source) (substitution, error) {
	if len(src.SubstituteFrom) == 0 {
		return substitution{variables: src.Substitute, always: src.SubstituteAlways}, nil
	}
	all, unread := map[string]string{}, []unreadReference(nil)
	for _, from := range src.SubstituteFrom {
		manifests, err := m.named(from, src.Kustomization.Namespace)
		if err != nil {
			return substitution{}, err
		}
		if from.Kind != configMapKind || len(manifests) != 1 {
			unread = append(unread, unreadReference{from, len(manifests)})
			continue
		}
		if data := manifests[0].lookup([]string{"data"}); data != nil && data.site.node != nil {
			maps.Copy(all, stringMap(data.site.node))
		}
	}
	maps.Copy(all, src.Substitute)
	return substitution{variables: all, always: src.SubstituteAlways || len(unread) > 0, unread: unread}, nil
}

// named reports whether the manifest may be the object of that name: one
// without a namespace may be in any.
func (o *object) named(namespace, name string) bool {
	return o.name == name && (o.namespace == namespace || o.namespace == "")
}

// definition names the place of the object's own file for messages.
func (o *object) definition() string { return fmt.Sprintf("%s:%d", o.file, o.line) }

// find reads the objects in the documents that mention something, as long as
// visit wants more. Files that cannot be read are left out.
func (m *manifests) find(mentions func(text string) bool, visit func(*object) bool) error {
	enter := func(string) error { return nil }
	var buffer []byte
	left := maxNodes
	return m.repo.walk(".", enter, func(name string) error {
		content, err := m.repo.readInto(buffer, name)
		if err != nil {
			return ignoreProblem(err)
		}
		if buffer = content; !mentions(string(content)) {
			return nil
		}
		f := parseFile(name, content, mentions)
		if left -= f.nodes; left < 0 {
			return problem(TooLarge, name, 0, "the manifests that Flux may take variables from have more than %d keys and values to read; use a smaller repository", maxNodes)
		}
		for _, doc := range f.docs {
			if doc.root == nil {
				continue
			}
			for _, root := range unwrap(doc.root) {
				if o := newObject(name, doc, root); o != nil && !visit(o) {
					return problem(TooLarge, name, 0, "the repository has more than %d manifests that Flux may take variables from; use a smaller repository", maxManifests)
				}
			}
		}
		return nil
	})
}
