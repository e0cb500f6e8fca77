package conformance

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// registry serves lists of tags, and nothing else that a registry serves: that is all the controllers ask for. Unlike a
// real one it also lists tags that no registry would take.
type registry struct {
	address string

	mu     sync.Mutex
	images map[string]*image
}

// image is one repository of the registry.
type image struct {
	// name is the image's full name, as an ImageRepository has it.
	name string

	mu       *sync.Mutex
	tags     []string
	user     string
	password string
	lists    int
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	r := &registry{images: map[string]*image{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.address = server.Listener.Addr().String()
	return r
}

// image adds an image with tags.
func (r *registry) image(path string, tags ...string) *image {
	r.mu.Lock()
	defer r.mu.Unlock()
	added := &image{name: r.address + "/" + path, mu: &r.mu, tags: tags}
	r.images[path] = added
	return added
}

// setTags replaces the image's tags.
func (i *image) setTags(tags ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tags = tags
}

// requireLogin lets nobody else list the tags.
func (i *image) requireLogin(user, password string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.user, i.password = user, password
}

// listCount is how often the tags were listed.
func (i *image) listCount() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.lists
}

// ServeHTTP answers the ping, the list of tags, and a request for the digest of a tag.
func (r *registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path := strings.TrimPrefix(req.URL.Path, "/v2/")
	if path == "" {
		// Clients learn from the ping how to log in, and cannot ask it about one image.
		if _, _, ok := req.BasicAuth(); !ok && r.wantsLogin() {
			demandLogin(w)
		}
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if name, ok := strings.CutSuffix(path, "/tags/list"); ok {
		r.list(w, req, name)
		return
	}
	if name, tag, ok := strings.Cut(path, "/manifests/"); ok {
		r.manifest(w, name, tag)
		return
	}
	http.NotFound(w, req)
}

func (r *registry) list(w http.ResponseWriter, req *http.Request, name string) {
	found, ok := r.images[name]
	if !ok {
		http.NotFound(w, req)
		return
	}
	user, password, _ := req.BasicAuth()
	if found.user != "" && (user != found.user || password != found.password) {
		demandLogin(w)
		return
	}
	found.lists++
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"name": name, "tags": found.tags})
}

// manifest gives each tag a digest that is made of the tag.
func (r *registry) manifest(w http.ResponseWriter, name, tag string) {
	found, ok := r.images[name]
	if !ok || !slices.Contains(found.tags, tag) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
	w.Header().Set("Content-Length", "2")
	w.Header().Set("Docker-Content-Digest", digestOf(tag))
}

func digestOf(tag string) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(tag)))
}

func (r *registry) wantsLogin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, candidate := range r.images {
		if candidate.user != "" {
			return true
		}
	}
	return false
}

func demandLogin(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
	w.WriteHeader(http.StatusUnauthorized)
}
