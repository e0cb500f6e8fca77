// Package apiproxy stands between a program and the local API server, sees every write, and can end the program at an exact
// one: after the server has done it and before the program learns so. It is how tests crash the operator after each step
// of a protocol without a line of test code in the operator.
package apiproxy

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Write is one write that the API server has accepted.
type Write struct {
	Method, Path string
}

// String is how a write reads in a log.
func (w Write) String() string { return w.Method + " " + w.Path }

// Proxy forwards requests.
type Proxy struct {
	server *http.Server
	url    string
	served chan struct{}

	mu     sync.Mutex
	writes []Write
	after  func(n int, w Write)
}

// Start forwards from a free loopback port to the API server of config, as the user of config.
func Start(config *rest.Config) (*Proxy, error) {
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("start the API proxy: %w", err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		return nil, fmt.Errorf("start the API proxy: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the API proxy: %w", err)
	}
	p := &Proxy{url: "http://" + listener.Addr().String(), served: make(chan struct{})}
	reverse := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:      transport,
		FlushInterval:  -1, // watches
		ModifyResponse: p.seen,
	}
	p.server = &http.Server{Handler: reverse, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(p.served)
		_ = p.server.Serve(listener) // ends when Stop closes the listener
	}()
	return p, nil
}

// Stop closes every connection.
func (p *Proxy) Stop() error {
	err := p.server.Close()
	<-p.served
	return err
}

// WriteKubeconfig writes a kubeconfig that leads through the proxy.
func (p *Proxy) WriteKubeconfig(path string) error {
	const name = "proxy"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: p.url}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.WriteToFile(*config, path)
}

// AfterWrite forgets the writes so far and calls hook after each following one, counted from 1, before the program gets its
// answer. Hooks run one at a time. A nil hook only counts.
func (p *Proxy) AfterWrite(hook func(n int, w Write)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes, p.after = nil, hook
}

// Writes so far, since AfterWrite.
func (p *Proxy) Writes() []Write {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Write(nil), p.writes...)
}

// seen counts what the API server has accepted. Leases and events are the housekeeping of any controller.
func (p *Proxy) seen(response *http.Response) error {
	request := response.Request
	w := Write{Method: request.Method, Path: request.URL.Path}
	if !writes(w) || response.StatusCode >= http.StatusMultipleChoices {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes = append(p.writes, w)
	if p.after != nil {
		p.after(len(p.writes), w)
	}
	return nil
}

func writes(w Write) bool {
	if w.Method == http.MethodGet || w.Method == http.MethodHead {
		return false
	}
	return !strings.Contains(w.Path, "/leases") && !strings.Contains(w.Path, "/events")
}

// Wait until at least n writes were seen, or ctx ends.
func (p *Proxy) Wait(ctx context.Context, n int) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for len(p.Writes()) < n {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for write %d, %d seen: %w", n, len(p.Writes()), ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}
