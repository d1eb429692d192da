package policy_test

import (
	"fmt"

	"github.com/seed-0dbaba02/carrel/policy"
)

func ExampleParse() {
	p, err := policy.Parse([]byte("extends: dev\nfs:\n  - ro: /data\n  - tmpfs: /scratch\n    size: 64MiB\n"), "carrel.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range p.FS {
		fmt.Println(e.Kind, e.Path, e.Size, e.From)
	}
	_, err = policy.Parse([]byte("# a misspelt key\nhostnam: desk\n"), "carrel.yaml")
	fmt.Println(err)
	// Output:
	// ro /data 0 carrel.yaml:3
	// tmpfs /scratch 67108864 carrel.yaml:4
	// unknown key "hostnam" (carrel.yaml:2); nearest is hostname
}

func ExampleMerge() {
	base, _ := policy.Parse([]byte("hostname: desk\nshare: [net]\nfs: [{ro: /data}]\n"), "base.yaml")
	over, _ := policy.Parse([]byte("hostname: lamp\nfs: [{hide: /data/secret}]\n"), "over.yaml")
	fmt.Print(string(policy.Format(policy.Merge(base, over))))
	// Output:
	// share:
	//   - net
	// hostname: lamp
	// fs:
	//   - ro: /data
	//   - hide: /data/secret
}
