import { ConsensusNodeBuilder } from 'zlayer-consensus';
import { MemHub } from 'zlayer-consensus/network/memory';
import { MemLogStore, MemStateMachine } from 'zlayer-consensus/storage/memory';

type Deposit = { readonly account: string; readonly amount: number };

const hub = new MemHub(); // a network within this process; HttpNetwork connects real ones
async function start(id: number) {
  const bank = new MemStateMachine<Map<string, number>, Deposit, number>({
    initialState: () => new Map(),
    apply(balances, { account, amount }) {
      const balance = (balances.get(account) ?? 0) + amount;
      balances.set(account, balance);
      return balance;
    },
  });
  const builder = new ConsensusNodeBuilder<Deposit, number>(id, `node-${id}`);
  const node = await builder.buildWith(new MemLogStore(), bank, hub.network(`node-${id}`));
  return { node, balanceOf: (account: string) => node.read(() => bank.state.get(account)) };
}

const [first, second, third] = await Promise.all([start(1), start(2), start(3)]);
await first.node.bootstrap();
await first.node.addVoter(2, second.node.address);
await first.node.addVoter(3, third.node.address);
console.log('balance:', await second.node.propose({ account: 'ada', amount: 10 })); // forwarded to the leader

await first.node.shutdown(); // the leader hands over and leaves; two of three are still a quorum
await second.node.propose({ account: 'ada', amount: 5 });
console.log('balance:', await third.balanceOf('ada'), 'read linearizably on node', third.node.nodeId);
await Promise.all([second, third].map(({ node }) => node.shutdown()));
