package setters

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// maxFileBytes bounds what is read of one file. Flux has no bound; no manifest comes near it.
const maxFileBytes = 64 << 20

// markedFiles reads the YAML files below root that mention the marker key. A file that mentions it but does not parse
// is left out without a word, all its documents with it.
type markedFiles struct{ root string }

// Read returns the documents of all files, each annotated with its file's path relative to root.
func (m *markedFiles) Read() ([]*yaml.RNode, error) {
	var documents []*yaml.RNode
	err := filepath.WalkDir(m.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("failed to walk %s: %w", path, err)
		}
		// Flux reads and writes through links to files. The stand-in does not: a link may lead out of the clone.
		if !entry.Type().IsRegular() || !isYAML(path) {
			return nil
		}
		content, err := readMarked(path, entry)
		if err != nil || content == nil {
			return err
		}
		relative, err := filepath.Rel(m.root, path)
		if err != nil {
			return err
		}
		parsed, err := parse(content, relative)
		if err != nil {
			return nil //nolint:nilerr // One file that does not parse must not stop the others.
		}
		documents = append(documents, parsed...)
		return nil
	})
	return documents, err
}

// readMarked returns the content of a file that mentions the marker key, and nothing for any other.
func readMarked(path string, entry fs.DirEntry) ([]byte, error) {
	info, err := entry.Info()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFileBytes {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("failed to read a YAML file: %w", err)
	}
	if !bytes.Contains(content, []byte(`"`+markerKey+`"`)) {
		return nil, nil
	}
	return content, nil
}

func parse(content []byte, path string) ([]*yaml.RNode, error) {
	reader := kio.ByteReader{
		Reader:            bytes.NewReader(content),
		SetAnnotations:    map[string]string{kioutil.PathAnnotation: path},
		PreserveSeqIndent: true,
	}
	return reader.Read()
}

func isYAML(path string) bool {
	extension := filepath.Ext(path)
	return extension == ".yaml" || extension == ".yml" || filepath.Base(path) == "Kustomization"
}
