//! scratch
use ivm_zkvm::*; use ivm_primitives::*; use std::time::Instant;
fn main(){
  let a:Vec<String>=std::env::args().collect();
  let elf=std::fs::read(&a[1]).unwrap();
  let vm=OpenVm::new();
  let t=Instant::now(); let p=vm.admit(&elf).unwrap(); println!("admit {:?} {:?}",t.elapsed(),p);
  let t=Instant::now(); let p2=vm.admit(&elf).unwrap(); println!("admit2 {:?} {:?}",t.elapsed(),p2);
  let inp=JobInput::onchain_only(std::fs::read(&a[2]).unwrap()).unwrap();
  let t=Instant::now(); let e=vm.execute(&p,&inp,1_000_000_000); println!("exec {:?} {:?}",t.elapsed(),e);
  if a.len()>3 { let t=Instant::now(); let pr=vm.prove(&p,&inp,1<<30,&mut |x| println!("{x:?} {:?}",t.elapsed())).unwrap(); println!("prove {:?} size {}",t.elapsed(),pr.size_bytes());
   let t=Instant::now(); println!("{:?} {:?}",vm.verify(&p,&inp,e.unwrap().outcome.hash(),&pr),t.elapsed());
  }
}
