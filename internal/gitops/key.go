package gitops

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// keyBytes is how much of the SHA-256 a Key shows: 64 bits, so that among a
// thousand repositories a collision has a chance below 1 in 10^13.
const keyBytes = 8

// scpLike is Git's short form of an SSH address, user@host:path. A host has no
// slash before the colon, else it is a local path.
var scpLike = regexp.MustCompile(`^(?:[^@/:\s]+@)?([^@/:\s]+|\[[0-9A-Fa-f:.]+\]):(.*)$`)

// defaultPorts are the ports that an address of the scheme means without saying.
var defaultPorts = map[string]string{"http": "80", "https": "443", "ssh": "22", "git": "9418"}

// Key identifies a branch of a repository across namespaces: 16 hexadecimal
// digits, fit for a label value and for an object's name. Addresses that
// NormaliseURL makes equal have equal keys. One repository reached by HTTPS and
// by SSH has two, because no address says that both are the same.
func Key(url, branch string) string {
	sum := sha256.Sum256([]byte(NormaliseURL(url) + "\n" + branch))
	return hex.EncodeToString(sum[:keyBytes])
}

// NormaliseURL writes the addresses of one repository in one way: scheme and
// host in lower case, ssh://host/path for the short form user@host:path, no
// user information, query or default port, no slashes or ".git" at the end. The
// path keeps its case, because some servers distinguish it. Text that is no
// address comes back without surrounding space. It is idempotent.
func NormaliseURL(raw string) string {
	raw = strings.TrimSpace(raw)
	if !strings.Contains(raw, "://") {
		short := scpLike.FindStringSubmatch(raw)
		if short == nil {
			return raw
		}
		raw = "ssh://" + short[1] + "/" + short[2]
	}
	before, rest, _ := strings.Cut(raw, "://")
	authority, _, _ := strings.Cut(rest, "/")
	raw = before + "://" + rest[strings.LastIndex(authority, "@")+1:]
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return raw
	}
	scheme := strings.ToLower(u.Scheme)
	return scheme + "://" + hostAndPort(u.Host, defaultPorts[scheme]) + repositoryPath(u)
}

// hostAndPort is the host in lower case, with its port if that is not the default one.
func hostAndPort(host, defaultPort string) string {
	host = strings.ToLower(host)
	for {
		short := strings.TrimRight(host, ":")
		if defaultPort != "" {
			short = strings.TrimSuffix(short, ":"+defaultPort)
		}
		if short == host {
			return host
		}
		host = short
	}
}

// repositoryPath is the path of an address without what may be left out at its end.
func repositoryPath(u *url.URL) string {
	p := path.Clean("/" + u.EscapedPath())
	for strings.HasSuffix(p, ".git") {
		p = path.Clean(strings.TrimSuffix(p, ".git"))
	}
	return strings.TrimSuffix(p, "/")
}

// userinfo is what stands before the @ of an address in the middle of a text.
var userinfo = regexp.MustCompile(`(://)[^/\s]*@`)

// withoutUserinfo drops user names, passwords and tokens from the addresses in a text.
func withoutUserinfo(text string) string {
	return userinfo.ReplaceAllString(text, "$1")
}

// shownURL is an address without user information, also when it is none that can
// be parsed: a password with a slash makes the host end early.
func shownURL(raw string) string {
	if u, err := url.Parse(raw); err == nil && u.Host != "" {
		u.User = nil
		return u.String()
	}
	before, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return raw[strings.LastIndex(raw, "@")+1:]
	}
	return before + "://" + rest[strings.LastIndex(rest, "@")+1:]
}
