# The Homebrew formula of the Linux binaries. A template: packaging/dist fills in the words between @
# signs. packaging/test checks its syntax; its installation is not tested.
class Sockeye < Formula
  desc "See into your sockets: talk to, script, watch and test a WebSocket server"
  homepage "@HOME@"
  version "@VERSION@"
  license any_of: ["MIT", "Apache-2.0"]

  on_linux do
    on_intel do
      url "@URL@/sockeye-@VERSION@-x86_64-unknown-linux-musl.tar.gz"
      sha256 "@SHA256 x86_64-unknown-linux-musl@"
    end
    on_arm do
      url "@URL@/sockeye-@VERSION@-aarch64-unknown-linux-musl.tar.gz"
      sha256 "@SHA256 aarch64-unknown-linux-musl@"
    end
  end

  def install
    bin.install "sockeye"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/sockeye.bash" => "sockeye"
    zsh_completion.install "completions/_sockeye"
    fish_completion.install "completions/sockeye.fish"
    doc.install "README.md", "CHANGELOG.md", "docs"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/sockeye --version")
    assert_match "closed: 1000", pipe_output("#{bin}/sockeye demo -v --count 1 -x hello 2>&1")
  end
end
