package batch

import (
	"maps"
	"slices"
)

// line is one pin's line in Git.
type line struct {
	value  string
	marker bool
	// human: the value is a human's, or another cluster's; else it is Flux's.
	human bool
	// copied: another line carries the same marker, at copy, in the same file or another one.
	copied, near bool
	copy         string
}

// commit is one commit. Flux's have a trailer, and keep it when a human rebases them.
type commit struct {
	lines map[Key]line
	// files are those that no pin is about.
	files   map[string]bool
	trailer *Trailer
	parents []int
	// proposes: the operator made it, to propose markers.
	proposes bool
}

// checkout is the branch that the cluster follows.
const checkout = "main"

// repo is the repository on the Git server: all commits, the oldest first, and the newest one of each branch.
type repo struct {
	commits  []commit
	branches map[string]int
	// landed are commits whose content came to the checkout branch by other ones.
	landed map[int]bool
}

// at is the number of a branch's newest commit; false: there is no such branch.
func (g *repo) at(branch string) (int, bool) {
	n, ok := g.branches[branch]
	return n, ok
}

// head is the newest commit of a branch, or if it is not there of the checkout branch, from which it would be made.
func (g *repo) head(branch string) commit {
	n, ok := g.branches[branch]
	if !ok {
		n = g.branches[checkout]
	}
	return g.commits[n]
}

// last is the number of the newest commit of all.
func (g *repo) last() int { return len(g.commits) - 1 }

// push adds a commit and moves a branch to it.
func (g *repo) push(branch string, c commit) {
	if c.files == nil && len(c.parents) > 0 {
		c.files = g.commits[c.parents[0]].files
	}
	g.commits = append(g.commits, c)
	g.branches[branch] = g.last()
}

// add pushes a commit upon the newest one of a branch, which is made if it is not there.
func (g *repo) add(branch string, change func(c *commit)) {
	on, ok := g.at(branch)
	if !ok {
		on = g.branches[checkout]
	}
	c := commit{lines: maps.Clone(g.commits[on].lines), files: maps.Clone(g.commits[on].files), parents: []int{on}}
	change(&c)
	g.push(branch, c)
}

// history is the numbers of all commits from which a branch came, the newest first.
func (g *repo) history(branch string) []int {
	n, ok := g.at(branch)
	if !ok {
		return nil
	}
	known := g.before(n)
	return slices.SortedFunc(maps.Keys(known), func(a, b int) int { return b - a })
}

// everHad: some commit of a branch has, or had, a value in a line.
func (g *repo) everHad(branch string, key Key, value string) bool {
	return slices.ContainsFunc(g.history(branch), func(n int) bool { return g.commits[n].lines[key].value == value })
}

// before are a commit and all that it came from.
func (g *repo) before(n int) map[int]bool {
	known, todo := map[int]bool{}, []int{n}
	for len(todo) > 0 {
		n, todo = todo[0], todo[1:]
		if !known[n] {
			known[n] = true
			todo = append(todo, g.commits[n].parents...)
		}
	}
	return known
}

// has are all commits whose content the checkout branch has.
func (g *repo) has() map[int]bool {
	known := g.before(g.branches[checkout])
	maps.Copy(known, g.landed)
	return known
}

// own are the numbers of the commits of a branch that the checkout branch does not have, the oldest first.
func (g *repo) own(branch string) []int {
	known := g.has()
	own := slices.DeleteFunc(g.history(branch), func(n int) bool { return known[n] })
	slices.Reverse(own)
	return own
}

// land remembers commits whose content the checkout branch has now.
func (g *repo) land(commits []int) {
	for _, n := range commits {
		g.landed[n] = true
	}
}

// parted is the newest commit of a branch among those that the checkout branch has.
func (g *repo) parted(branch string, known map[int]bool) commit {
	base := 0
	for n := range g.before(g.branches[branch]) {
		if known[n] {
			base = max(base, n)
		}
	}
	return g.commits[base]
}

// merged is the newest commit of the checkout branch with all that another one changed since they parted, and what both did
// only if a human chooses so.
func (g *repo) merged(branch string, chosen bool) commit {
	return apply(g.head(checkout), g.parted(branch, g.has()), g.head(branch), chosen)
}

// apply is a commit with what another one changed of its base.
func apply(onto, base, change commit, chosen bool) commit {
	c := commit{lines: maps.Clone(onto.lines), files: maps.Clone(onto.files)}
	for key, l := range change.lines {
		was, now := base.lines[key], c.lines[key]
		if l.value != was.value && (chosen || now.value == was.value) {
			now.value, now.human = l.value, l.human
		}
		if l.marker != was.marker {
			now.marker = l.marker
		}
		if l.copied != was.copied || l.copy != was.copy || l.near != was.near {
			now.copied, now.copy, now.near = l.copied, l.copy, l.near
		}
		c.lines[key] = now
	}
	for file := range change.files {
		if !base.files[file] {
			if c.files == nil {
				c.files = map[string]bool{}
			}
			c.files[file] = true
		}
	}
	return c
}

// rebased puts the own commits of a branch upon the newest one of the checkout branch, as commits of another branch.
func (g *repo) rebased(branch, to string) {
	own := g.own(branch)
	on := g.branches[checkout]
	for _, n := range own {
		c := g.commits[n]
		if len(c.parents) > 1 {
			continue
		}
		next := apply(g.commits[on], g.commits[c.parents[0]], c, true)
		next.trailer, next.parents = c.trailer, []int{on}
		g.push(to, next)
		on = g.last()
	}
	g.branches[to] = on
}
