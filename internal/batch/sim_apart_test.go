package batch

import (
	"fmt"
	"slices"
)

// standing judges a push branch by what it has and the checkout branch lacks, as the repository controller does.
func (w *world) standing(pins []Pin, l look) Standing {
	if l.pushed < 0 {
		return Standing{}
	}
	a := w.apart(l)
	if a.Known && a.Behind {
		a.Others = w.others(l, Ours(pins, a))
	}
	return Judge(pins, l.reading.Lines, a)
}

func (w *world) apart(l look) Apart {
	main, has := w.git.branches[checkout], w.git.before(l.pushed)
	a := Apart{Branch: l.push, Head: w.told(l.pushed), Known: true, Behind: !has[main]}
	merged := w.git.before(main)
	for _, n := range w.git.history(l.push) {
		if !merged[n] {
			a.Commits = append(a.Commits, w.told(n))
		}
	}
	return a
}

// told is a commit as its message tells it.
func (w *world) told(n int) Commit {
	c := w.git.commits[n]
	told := Commit{Hash: revision(n)}
	for _, parent := range c.parents {
		told.Parents = append(told.Parents, revision(parent))
	}
	if c.trailer == nil {
		return told
	}
	told.Message = batchTrailer + c.trailer.Batch + "\n"
	for _, x := range c.trailer.Changes {
		told.Message += fmt.Sprintf("%s%q %q\n%s%s:%s:tag %q -> %q\n", fileTrailer, x.File, x.Object, changeTrailer, x.Pin.Namespace, x.Pin.Name, x.Old, x.New)
	}
	return told
}

// others are files that a push branch has otherwise than the newest commit that both branches have, but for values that are ours
// and what the checkout branch has, too.
func (w *world) others(l look, ours func(file string, key Key, value string) bool) []string {
	was := w.git.parted(l.push, w.git.before(w.git.branches[checkout]))
	is, main := w.git.commits[l.pushed], w.head()
	var others []string
	for file := range is.files {
		if !was.files[file] && !main.files[file] {
			others = append(others, file)
		}
	}
	for key, now := range is.lines {
		before, file := was.lines[key], "f"+key.Name
		before.human, now.human = false, false
		onMain := main.lines[key]
		onMain.human = false
		valued := before
		valued.value = now.value
		explained := now == onMain || now == valued && now.marker && (now.value == before.value || ours(file, key, now.value))
		if now != before && !explained {
			others = append(others, file)
		}
	}
	slices.Sort(others)
	return others
}

// clear deletes a push branch, unless it has another commit by now.
func (p *process) clear(found look) {
	if n, there := p.w.git.at(found.push); !there || n != found.pushed {
		return
	}
	p.w.note("%s deletes branch %s", p.leader, found.push)
	p.w.ghost.deletes(p.w, found.push)
	delete(p.w.git.branches, found.push)
}
